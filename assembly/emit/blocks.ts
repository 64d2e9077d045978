/**
 * Generated from assembly/kernels by scripts/generate.ts; do not edit. Parameter blocks: fields and their
 * offsets. All blocks.
 */
import type { Layout } from './block.ts';
export * from './sliding-blocks.ts';

export interface CurveBlock {
  x: number; y: number;
  count: number; // elements of a frame
  table: number; // address, u16 [256], 16 fraction bits
  bits: number; // fraction bits of an input below its index in the table
  mult1: number; shift1: number; mult_y: number; shift_y: number; min: number; max: number;
}
export const CurveBlock: Layout<CurveBlock> = { name: 'CurveBlock', file: 'activation-s16', bytes: 48, at: { x: 0, y: 4, count: 12, table: 16, bits: 20, mult1: 24, shift1: 28, mult_y: 32, shift_y: 36, min: 40, max: 44 } };
/**
 * activation: applies a table of 256 int8 values to every element. In: x s8 [...][count]. Out: rows first to
 * first + rows - 1 of y s8 [...][count]. y = table[x + 128]. Exact: quant/ops/activation.ts made the table.
 */
export interface ActivationBlock {
  x: number; y: number;
  count: number; // elements of a frame
  table: number; // address, s8 [256]
}
export const ActivationBlock: Layout<ActivationBlock> = { name: 'ActivationBlock', file: 'activation', bytes: 24, at: { x: 0, y: 4, count: 12, table: 16 } };
/**
 * argmax: the index of the largest channel of each row of int8. In: x s8 [...][frame_rows][count], count up
 * to 256. Out: frames first to first + rows - 1 of y s8 [...][frame_rows], the index less 128. Exact:
 * quant/ops/argmax.ts.
 */
export interface ArgmaxBlock {
  x: number; y: number;
  count: number; // elements of a row
  frame_rows: number; // rows of a frame
  last: number; // 1: of equal values the last one counts
}
export const ArgmaxBlock: Layout<ArgmaxBlock> = { name: 'ArgmaxBlock', file: 'argmax', bytes: 24, at: { x: 0, y: 4, count: 12, frame_rows: 16, last: 20 } };
export interface ConcatBlock {
  x: number; y: number;
  count: number; // bytes of the part of a row
  y_pitch: number; // bytes between rows of the wider tensor
  frame_rows: number; // rows of a frame
}
export const ConcatBlock: Layout<ConcatBlock> = { name: 'ConcatBlock', file: 'concat', bytes: 24, at: { x: 0, y: 4, count: 12, y_pitch: 16, frame_rows: 20 } };
/** Block of a rescale or a leaky ReLU. */
export interface RescaleBlock {
  x: number; y: number;
  count: number; // elements of a frame
  x_zero: number; y_zero: number; min: number; max: number;
  negate: number; // 1: results of mult2, below the zero point, are negated
  mult1: number; shift1: number; mult2: number; shift2: number;
}
export const RescaleBlock: Layout<RescaleBlock> = { name: 'RescaleBlock', file: 'elements-s16', bytes: 68, at: { x: 0, y: 4, count: 12, x_zero: 20, y_zero: 28, min: 32, max: 36, negate: 40, mult1: 52, shift1: 56, mult2: 60, shift2: 64 } };
export interface FrontEndBlock {
  row: number; // address of the row, s8 [channels]
  state: number; // address: i32 samples in the window, u32 [channels] noise estimates, s16 [window]
  buffer: number; // address, s16 [points + 1][2]
  channels: number;
  window: number; // samples of a window
  step: number;
  points: number; // points of the complex FFT, a power of 2
  peak: number; // 1: a windowed -32768 counts as a peak of -32768 (signal operators)
  window_table: number; // address, s16 [window]
  window_shift: number;
  twiddles: number; // address, s16 [points][2]
  last: number; // address, s16 [points / 2][2]
  bands: number; // address, u16 [channels + 1][2]: first bin, bins
  weights: number; // address, s16 [bins][2]: weight, unweight
  noise: number; // 1: noise reduction
  smoothing: number; // even channels
  smoothing_odd: number;
  one_minus: number; // even channels
  one_minus_odd: number; min_signal: number; noise_bits: number; smoothing_bits: number; clamping: number;
  pcan: number; // address, s16 [125]; 0: no gain control
  snr_shift: number;
  log: number; // address, s16 [129]; 0: no logarithm
  correction: number; // left shift, right if negative
  log_scale: number;
  most: number; // upper bound of a value before it is scaled to int8
  multiply: number; add: number; divide: number; offset: number; low: number; high: number;
  remap: number; // address, s8 [256] from -128 on; 0: no remapping
}
export const FrontEndBlock: Layout<FrontEndBlock> = { name: 'FrontEndBlock', file: 'frontend', bytes: 144, at: { row: 0, state: 4, buffer: 8, channels: 12, window: 16, step: 20, points: 24, peak: 28, window_table: 32, window_shift: 36, twiddles: 40, last: 44, bands: 48, weights: 52, noise: 56, smoothing: 60, smoothing_odd: 64, one_minus: 68, one_minus_odd: 72, min_signal: 76, noise_bits: 80, smoothing_bits: 84, clamping: 88, pcan: 92, snr_shift: 96, log: 100, correction: 104, log_scale: 108, most: 112, multiply: 116, add: 120, divide: 124, offset: 128, low: 132, high: 136, remap: 140 } };
/**
 * The parameter blocks of globalavg, globalmax and gem. Fields of a fold come after those of a whole window.
 */
export interface GlobalBlock {
  x: number; // address of the first input row
  y: number;
  rows: number; // input rows
  count: number; // outputs
  x_elements: number; // elements of an input row
  partials: number; // address of the first slot: i32 [slots][count] or s8 [slots][count]
  slot: number; // address of the i32 that holds the current slot
  slots: number; min: number; max: number; y_zero: number;
  rule: number; // 0 = divide by `places` and round, 1 = requantise
  places: number; // elements of a mean
  offset: number; // places * zero point of the input, subtracted by rule 1
  mult: number; shift: number;
}
export const GlobalBlock: Layout<GlobalBlock> = { name: 'GlobalBlock', file: 'global', bytes: 64, at: { x: 0, y: 4, rows: 8, count: 12, x_elements: 16, partials: 20, slot: 24, slots: 28, min: 32, max: 36, y_zero: 40, rule: 44, places: 48, offset: 52, mult: 56, shift: 60 } };
export interface HistoryBlock {
  x: number; y: number;
  own: number; // pad_s8: content of the padding (history-pad.ts)
  x_rows: number; // input rows present
  pad_t: number;
  row: number; // bytes of a row
  zero: number;
}
export const HistoryBlock: Layout<HistoryBlock> = { name: 'HistoryBlock', file: 'history', bytes: 28, at: { x: 0, y: 4, own: 8, x_rows: 12, pad_t: 16, row: 20, zero: 24 } };
export interface HypotBlock {
  x: number; y: number;
  count: number; // elements of a frame
  x2: number; // address of the second input
  zero1: number; zero2: number;
  mult1: number; // scales x to the larger of the two scales
  shift1: number; mult2: number; shift2: number; y_zero: number; min: number; max: number; mult_y: number; shift_y: number;
  wide: number; // bit 0: x is s16, 1: x2, 2: y
}
export const HypotBlock: Layout<HypotBlock> = { name: 'HypotBlock', file: 'hypot', bytes: 68, at: { x: 0, y: 4, count: 12, x2: 16, zero1: 20, zero2: 24, mult1: 28, shift1: 32, mult2: 36, shift2: 40, y_zero: 44, min: 48, max: 52, mult_y: 56, shift_y: 60, wide: 64 } };
export interface LayerNormBlock {
  x: number; y: number;
  count: number; // elements of a row
  frame_rows: number; // rows of a frame
  x_zero: number;
  centre: number; // 1: the mean is subtracted
  square_shift: number; // bits by which squares are shifted to the left
  epsilon_low: number; // lower word of 62 bits, in the scale of the shifted squares
  epsilon_high: number;
  root_shift: number; // right shift of difference times root, for squares that fill 64 bits
  gain: number; // i32 [count]
  offset: number; // i32 [count], includes the zero point of the output and a half to round
  offset_shift: number; out_shift: number; min: number; max: number;
}
export const LayerNormBlock: Layout<LayerNormBlock> = { name: 'LayerNormBlock', file: 'layernorm', bytes: 68, at: { x: 0, y: 4, count: 12, frame_rows: 16, x_zero: 20, centre: 24, square_shift: 28, epsilon_low: 32, epsilon_high: 36, root_shift: 40, gain: 44, offset: 48, offset_shift: 52, out_shift: 56, min: 60, max: 64 } };
export interface MatmulBlock {
  x: number; y: number;
  x2: number; // address of the second input
  heads: number;
  terms: number; // products of an output
  outputs: number; // outputs of a head in one row
  term_step: number; // in x2, from one term to the next
  output_step: number; head_step: number; zero1: number; zero2: number; y_zero: number; min: number; max: number; mult_y: number; shift_y: number;
}
export const MatmulBlock: Layout<MatmulBlock> = { name: 'MatmulBlock', file: 'matmul', bytes: 68, at: { x: 0, y: 4, x2: 12, heads: 16, terms: 20, outputs: 24, term_step: 28, output_step: 32, head_step: 36, zero1: 40, zero2: 44, y_zero: 48, min: 52, max: 56, mult_y: 60, shift_y: 64 } };
export interface MulBlock {
  x: number; y: number;
  count: number; // elements of a frame
  x2: number; // address of the second input
  zero1: number; zero2: number; y_zero: number; min: number; max: number; mult_y: number; shift_y: number;
  period: number; // elements of the second input; it repeats along the first
}
export const MulBlock: Layout<MulBlock> = { name: 'MulBlock', file: 'mul', bytes: 52, at: { x: 0, y: 4, count: 12, x2: 16, zero1: 20, zero2: 24, y_zero: 28, min: 32, max: 36, mult_y: 40, shift_y: 44, period: 48 } };
export interface RingBlock {
  new_at: number; // address of the first new row
  new_rows: number; // rows of the stream per hop
  row: number; // elements of a row
  step: number; // rows of the stream between two rows of a window
  ring: number; // address of the levels, one after the other
  slots: number; // i32 [levels]: rows of each level
  newest: number; // i32 [levels]: slot of the newest row of each level
  levels: number;
}
export const RingBlock: Layout<RingBlock> = { name: 'RingBlock', file: 'parts', bytes: 32, at: { new_at: 0, new_rows: 4, row: 8, step: 12, ring: 16, slots: 20, newest: 24, levels: 28 } };
export interface PartsBlock {
  ring: number; // address of the RingBlock
  own: number; // address of the block that finishes the results
  newest: number; // number of the newest row, from the start of window n
  parts: number; // PartBlock [part_count]
  part_count: number;
  totals: number; // sum of each part and phase: [part_count][step][count]
  left: number; // address of row 0 of the window's left edge
  right: number; // address of the first row of its right edge
}
export const PartsBlock: Layout<PartsBlock> = { name: 'PartsBlock', file: 'parts', bytes: 32, at: { ring: 0, own: 4, newest: 8, parts: 12, part_count: 16, totals: 20, left: 24, right: 28 } };
/** A part of the window. Numbers of rows are counted back from the newest row. */
export interface PartBlock {
  rows: number; // rows of the ring that are read: 0 if all rows touch an edge, else 2
  level: number;
  first: number; // rows of the ring before that level
  enters: number; // row that enters a sum, or of a maximum
  leaves: number; // row that leaves a sum, or the second one of a maximum
  left_row: number; // first row in the left edge, and their number
  left_rows: number;
  right_row: number; // the same in the right edge
  right_rows: number;
}
export const PartBlock: Layout<PartBlock> = { name: 'PartBlock', file: 'parts', bytes: 36, at: { rows: 0, level: 4, first: 8, enters: 12, leaves: 16, left_row: 20, left_rows: 24, right_row: 28, right_rows: 32 } };
/**
 * permute: elements of the window in another order. In: x, at the element that comes first; three lengths,
 * each with its step, which may be negative. Out: rows first to first + rows - 1 of y s8 [...][count].
 * Exact: bytes are copied. Cost: a load and a store per byte.
 */
export interface PermuteBlock {
  x: number; y: number;
  count: number; // elements of an output row
  width: number; // bytes of an element
  middle: number; // length of the middle axis
  inner: number; // length of the innermost axis
  outer_step: number; // bytes in x between two elements of the outer axis
  middle_step: number; // the same for the middle axis
  inner_step: number; // the same for the innermost axis
}
export const PermuteBlock: Layout<PermuteBlock> = { name: 'PermuteBlock', file: 'permute', bytes: 40, at: { x: 0, y: 4, count: 12, width: 16, middle: 20, inner: 24, outer_step: 28, middle_step: 32, inner_step: 36 } };
/** Block of another layer, for its rows before the signal. */
export interface BeforeBlock {
  y: number;
  row: number; // bytes of a row
  value: number;
  count: number; // address, i32: number of rows so far
  skip: number;
}
export const BeforeBlock: Layout<BeforeBlock> = { name: 'BeforeBlock', file: 'recurrent', bytes: 20, at: { y: 0, row: 4, value: 8, count: 12, skip: 16 } };
export interface WideSoftmaxBlock {
  x: number; y: number;
  count: number; // elements of a row
  table: number; // address, s16 [513]
  frame_rows: number; // rows of a frame
  inverse: number; // address, s16 [513]
  mult1: number; // scales differences to steps of 10 / 65535
  shift1: number; mult_y: number; shift_y: number; min: number; max: number;
}
export const WideSoftmaxBlock: Layout<WideSoftmaxBlock> = { name: 'WideSoftmaxBlock', file: 'softmax-s16', bytes: 52, at: { x: 0, y: 4, count: 12, table: 16, frame_rows: 20, inverse: 24, mult1: 28, shift1: 32, mult_y: 36, shift_y: 40, min: 44, max: 48 } };
export interface SoftmaxBlock {
  x: number; y: number;
  count: number; // elements of a row
  table: number; // address, i32 [256]
  frame_rows: number; // rows of a frame
}
export const SoftmaxBlock: Layout<SoftmaxBlock> = { name: 'SoftmaxBlock', file: 'softmax', bytes: 24, at: { x: 0, y: 4, count: 12, table: 16, frame_rows: 20 } };
export interface UpsampleBlock {
  x: number; y: number;
  row: number; // bytes of a feature row
  x_f: number; y_f: number; step_t: number; step_f: number;
  repeat: number; // 1: rows are repeated; 0: zeros are put between them
  zero: number;
}
export const UpsampleBlock: Layout<UpsampleBlock> = { name: 'UpsampleBlock', file: 'upsample', bytes: 40, at: { x: 0, y: 4, row: 12, x_f: 16, y_f: 20, step_t: 24, step_f: 28, repeat: 32, zero: 36 } };
export interface AddBlock extends MulBlock {
  mult1: number; // negative: this input is subtracted
  shift1: number;
  mult2: number; // negative: this input is subtracted
  shift2: number;
}
export const AddBlock: Layout<AddBlock> = { name: 'AddBlock', file: 'add', bytes: 68, at: { ...MulBlock.at, mult1: 52, shift1: 56, mult2: 60, shift2: 64 } };
/** Block of kernels with SIMD128. */
export interface GlobalSimdBlock extends GlobalBlock {
  mac: number; // address of the SimdBlock that finishes the sums; 0 for a plain kernel
}
export const GlobalSimdBlock: Layout<GlobalSimdBlock> = { name: 'GlobalSimdBlock', file: 'global', bytes: 68, at: { ...GlobalBlock.at, mac: 64 } };
/**
 * Accumulators of waiting windows. Rows of the stream are numbered from the start of window n. In the stream,
 * two rows of a window are `step` rows apart. The fields from new_at on have the same offsets as in
 * DenseFoldBlock.
 */
export interface GlobalFoldBlock extends GlobalSimdBlock {
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
  totals: number; // address of the running totals, i32 [step][count]; globalmax: address of the maximum of the cycle
  row: number; // elements of a row
}
export const GlobalFoldBlock: Layout<GlobalFoldBlock> = { name: 'GlobalFoldBlock', file: 'global', bytes: 168, at: { ...GlobalSimdBlock.at, new_at: 112, new_rows: 116, newest: 120, step: 124, open: 128, open_rows: 132, right: 136, right_rows: 140, left: 144, left_rows: 148, queue: 152, waiting: 156, totals: 160, row: 164 } };
/** Block of gem. The fields of a fold are 0 if a window is computed at once. */
export interface GemBlock extends GlobalFoldBlock {
  channels: number;
  groups: number; // address of u8 [channels]: table and roots of each channel
  tables: number; // i64 [groups][256]: value of each byte
  roots: number; // i64 [groups][255]: smallest sum of each output from -127 on
  sums: number; // i64 [count], workspace of a window computed at once
}
export const GemBlock: Layout<GemBlock> = { name: 'GemBlock', file: 'global', bytes: 188, at: { ...GlobalFoldBlock.at, channels: 168, groups: 172, tables: 176, roots: 180, sums: 184 } };
