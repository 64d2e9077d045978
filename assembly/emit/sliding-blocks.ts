/**
 * Generated from assembly/kernels by scripts/generate.ts; do not edit. Parameter blocks: fields and their
 * offsets. Kernels that slide, and those that extend their blocks.
 */
import type { Layout } from './block.ts';

/**
 * The parameter blocks of kernels that slide over time and features. Kernels take (p, first, rows): they
 * write rows first to first + rows - 1 of the output; x and y are the addresses of row 0. A field whose name
 * begins with _ is free: nothing is stored there.
 */
export interface SlidingBlock {
  x: number; // address of the first input row
  y: number; // address of the first output row
  x_rows: number; // input rows present; taps outside 0 to x_rows - 1 are padding
  pad_t: number; kernel_t: number; stride_t: number; dilation_t: number;
  x_f: number; // feature rows of the input
  x_c: number; // channels of the input
  y_f: number; y_c: number; pad_f: number; kernel_f: number; stride_f: number; dilation_f: number;
  x_zero: number; // zero point of the input
  min: number; max: number;
}
export const SlidingBlock: Layout<SlidingBlock> = { name: 'SlidingBlock', file: 'sliding', bytes: 76, at: { x: 0, y: 4, x_rows: 12, pad_t: 16, kernel_t: 20, stride_t: 24, dilation_t: 28, x_f: 32, x_c: 36, y_f: 40, y_c: 44, pad_f: 48, kernel_f: 52, stride_f: 56, dilation_f: 60, x_zero: 64, min: 68, max: 72 } };
/** Fields of all targets. finish.ts, finish-interp.ts and mac-simd.ts explain the tables. */
export interface MacBlock extends SlidingBlock {
  y_zero: number; // zero point of the output; with tiles 2 * zero point + 1
  per: number; // conv: input channels of a group; depthwise: outputs per input channel; dense: inputs
  weights: number; // address, s8
  bias: number; // address, i32 [o]; interp: of its scales (finish-interp.ts); destination of fetched tiles
  multiplier: number; // address, i32 [o], Q31; native: u32; simd: f32; interp: low half of its lanes
  shift: number; // address, s8 [o], left if positive; simd: f32; interp: high half of its lanes
}
export const MacBlock: Layout<MacBlock> = { name: 'MacBlock', file: 'mac', bytes: 100, at: { ...SlidingBlock.at, y_zero: 76, per: 80, weights: 84, bias: 88, multiplier: 92, shift: 96 } };
/** Block of maxpool and avgpool. */
export interface PoolBlock extends SlidingBlock {
  include_pad: number; // avgpool: 1 = padded positions count in the divisor
}
export const PoolBlock: Layout<PoolBlock> = { name: 'PoolBlock', file: 'sliding', bytes: 80, at: { ...SlidingBlock.at, include_pad: 76 } };
export interface SimdBlock extends MacBlock {
  chunk: number; // conv: output rows whose input is widened together
  patch: number; // address, s16: taps of four positions, or the widened input
  sums: number; // address, i32: sums of four positions, each padded to sixteen
  place: number; // conv-simd.ts: values between two positions; conv-place-simd.ts: taps
  pool: number; // conv-simd.ts: positions of a fused max pool; conv-place-simd.ts: bytes between two positions
  integers: number; // 1: outputs are requantised in integers
  signed_bias: number; // relaxed: address, i32 [o], `bias` of the form of signed bytes (mac-relaxed.ts)
  magic: number; // f32
  below: number; // address, f32 [o], if outputs lie on both sides of the zero point, else 0
}
export const SimdBlock: Layout<SimdBlock> = { name: 'SimdBlock', file: 'mac-simd', bytes: 136, at: { ...MacBlock.at, chunk: 100, patch: 104, sums: 108, place: 112, pool: 116, integers: 120, signed_bias: 124, magic: 128, below: 132 } };
/** Block of kernels that read weights in the operator's order. */
export interface PlainBlock extends MacBlock {
  all_source: number; // home tile: offset of the weights of the layer among all (fetch.ts)
  all_bytes: number;
  low: number; // int16, rounded once: address, i32 [o], lower bits of multipliers
}
export const PlainBlock: Layout<PlainBlock> = { name: 'PlainBlock', file: 'mac', bytes: 112, at: { ...MacBlock.at, all_source: 100, all_bytes: 104, low: 108 } };
/** Block of layers whose weights are in tiles, for interp and native. */
export interface TileBlock extends MacBlock {
  runs: number; // 1: the taps of every position inside the input are adjacent in it
  patch: number; // address, s8 [kernel_t][kernel_f][per], if taps are copied
  sums: number; // address, i32 [y_c]: the sums of a position
}
export const TileBlock: Layout<TileBlock> = { name: 'TileBlock', file: 'patch', bytes: 112, at: { ...MacBlock.at, runs: 100, patch: 104, sums: 108 } };
/**
 * Accumulators of waiting windows. Rows of the stream are numbered from the start of window n. In the stream,
 * two rows of a window are `step` rows apart.
 */
export interface DenseFoldBlock extends PlainBlock {
  new_at: number; // address of the first new row
  new_rows: number; // rows of the stream per hop
  newest: number; // number of the newest row
  step: number;
  open: number; // address of the first interior row of the window that opens
  open_rows: number; // rows of the opening window, `step` apart
  right: number; // address of the right edge's rows
  right_rows: number;
  left: number; // address of the left edge's rows, of the window that opens
  left_rows: number;
  queue: number; // address of the accumulators, one per waiting window
  waiting: number; // number of waiting windows
  totals: number; // for globalavg and globalmax only
  row: number; // elements of a row
}
export const DenseFoldBlock: Layout<DenseFoldBlock> = { name: 'DenseFoldBlock', file: 'dense', bytes: 168, at: { ...PlainBlock.at, new_at: 112, new_rows: 116, newest: 120, step: 124, open: 128, open_rows: 132, right: 136, right_rows: 140, left: 144, left_rows: 148, queue: 152, waiting: 156, totals: 160, row: 164 } };
/** A tile is copied to `bias`; the other addresses point into it. */
export interface FetchedBlock extends TileBlock {
  source: number; // offset of the layer's first tile among all weights
  tile_outputs: number; // outputs per tile; the last tile of a group has the remaining ones
  tile_bytes: number;
  last_bytes: number; // bytes of the last tile of a group
}
export const FetchedBlock: Layout<FetchedBlock> = { name: 'FetchedBlock', file: 'fetch', bytes: 128, at: { ...TileBlock.at, source: 112, tile_outputs: 116, tile_bytes: 120, last_bytes: 124 } };
/** Uses of PlainBlock: x, y, y_c (units), x_zero (of the output), weights, bias, multiplier, shift. */
export interface RecurrentBlock extends PlainBlock {
  cell: number; // address, s16 [units]: cell (lstm), state (gru)
  last: number; // address, s8 [units]: the output before the first row
  count: number; // address, i32: number of rows that were skipped so far
  skip: number;
  carry: number; // 1: the state carries over
  reverse: number; // 1: from the last row to the first
  table: number; // address, u16 [256] in i32: the logistic function (gates.ts)
  slope: number; // slope of a line that replaces the table; 0: none
  gate_shift: number; // left shift that gives sums of gates 12 fraction bits
  output_mult: number; output_shift: number;
}
export const RecurrentBlock: Layout<RecurrentBlock> = { name: 'RecurrentBlock', file: 'recurrent', bytes: 156, at: { ...PlainBlock.at, cell: 112, last: 116, count: 120, skip: 124, carry: 128, reverse: 132, table: 136, slope: 140, gate_shift: 144, output_mult: 148, output_shift: 152 } };
/** Rows of the stream are numbered from the start of window n. */
export interface TapsBlock extends PlainBlock {
  acc: number; // address, i32 [acc_rows][y_f][y_c]
  acc_rows: number; // open rows
  acc_first: number; // first open row
  new_rows: number; // rows of the stream per hop
  step: number; // rows of the stream between two rows of a window
  grid: number; // input frames between two rows of the stream
  right: number; // address of the right edge's rows
  right_rows: number;
  right_first: number; // number of the first of them in the stream
  left: number; // address of the left edge's rows
  left_rows: number;
  records: number; // address, i32 [record_slots][left_rows][y_f][y_c]
  record_slots: number; cut_ahead: number; complete_ahead: number; ahead: number;
  waiting: number; // address, s8 [waiting_slots][left_rows][y_f][y_c]
  waiting_slots: number;
}
export const TapsBlock: Layout<TapsBlock> = { name: 'TapsBlock', file: 'taps', bytes: 184, at: { ...PlainBlock.at, acc: 112, acc_rows: 116, acc_first: 120, new_rows: 124, step: 128, grid: 132, right: 136, right_rows: 140, right_first: 144, left: 148, left_rows: 152, records: 156, record_slots: 160, cut_ahead: 164, complete_ahead: 168, ahead: 172, waiting: 176, waiting_slots: 180 } };
/** Block of a left-edge row without a record. */
export interface TapsRowBlock extends PlainBlock {
  total: number; // address, i32 [y_f][y_c]: the complete row
  before: number; // address, i32 [y_f][y_c]: its taps before the window
  ahead: number; // windows from the one that takes its left edge now to the window of this row
  slots: number; // number of waiting windows, or 1
  slot_bytes: number;
}
export const TapsRowBlock: Layout<TapsRowBlock> = { name: 'TapsRowBlock', file: 'taps', bytes: 132, at: { ...PlainBlock.at, total: 112, before: 116, ahead: 120, slots: 124, slot_bytes: 128 } };
export interface GruBlock extends RecurrentBlock {
  gates: number; // address, s16 [units]: values of the reset gate
  scaled: number; // address, s8 [units]: the state times the reset gate
}
export const GruBlock: Layout<GruBlock> = { name: 'GruBlock', file: 'gru', bytes: 164, at: { ...RecurrentBlock.at, gates: 156, scaled: 160 } };
export interface LstmBlock extends RecurrentBlock {
  forget_mult: number; forget_shift: number; input_mult: number; input_shift: number; tanh_mult: number; tanh_shift: number;
  clip: number; // largest |cell|; 32768: no limit
}
export const LstmBlock: Layout<LstmBlock> = { name: 'LstmBlock', file: 'lstm', bytes: 184, at: { ...RecurrentBlock.at, forget_mult: 156, forget_shift: 160, input_mult: 164, input_shift: 168, tanh_mult: 172, tanh_shift: 176, clip: 180 } };
/** An unbounded function: max(x, floor). */
export interface OpenRnnBlock extends RecurrentBlock {
  floor: number; // 0: ReLU; -32768: none
}
export const OpenRnnBlock: Layout<OpenRnnBlock> = { name: 'OpenRnnBlock', file: 'rnn', bytes: 160, at: { ...RecurrentBlock.at, floor: 156 } };
/** A cell with an unbounded function: max(x, floor). */
export interface OpenGruBlock extends GruBlock {
  floor: number; // 0: ReLU; -32768: none
}
export const OpenGruBlock: Layout<OpenGruBlock> = { name: 'OpenGruBlock', file: 'gru', bytes: 168, at: { ...GruBlock.at, floor: 164 } };
/** A cell with unbounded functions: max(x, floor). */
export interface OpenLstmBlock extends LstmBlock {
  floor: number; // 0: ReLU; -32768: none
}
export const OpenLstmBlock: Layout<OpenLstmBlock> = { name: 'OpenLstmBlock', file: 'lstm', bytes: 188, at: { ...LstmBlock.at, floor: 184 } };
