/**
 * The parameter blocks of conv, depthwise and dense: fields for sums, and for requantisation.
 *
 *   0            76              100          112
 *   SlidingBlock | MacBlock      | PlainBlock | TapsBlock, DenseFoldBlock
 *                                | TileBlock  | FetchedBlock
 *                                | SimdBlock
 */
import { SlidingBlock } from "./sliding";

/** Fields of all targets. finish.ts, finish-interp.ts and mac-simd.ts explain the tables. */
@unmanaged
export class MacBlock extends SlidingBlock {
  y_zero: i32; // zero point of the output; with tiles 2 * zero point + 1
  per: i32; // conv: input channels of a group; depthwise: outputs per input channel; dense: inputs
  weights: usize; // address, s8
  bias: usize; // address, i32 [o]; interp: of its scales (finish-interp.ts); destination of fetched tiles
  multiplier: usize; // address, i32 [o], Q31; native: u32; simd: f32; interp: low half of its lanes
  shift: usize; // address, s8 [o], left if positive; simd: f32; interp: high half of its lanes
}

/** Block of kernels that read weights in the operator's order. */
@unmanaged
export class PlainBlock extends MacBlock {
  all_source: usize; // home tile: offset of the weights of the layer among all (fetch.ts)
  all_bytes: i32;
  low: usize; // int16, rounded once: address, i32 [o], lower bits of multipliers
}
