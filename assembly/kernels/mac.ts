/**
 * The parameter blocks of conv, depthwise and dense: what a layer's sums are made of, and what requantises them.
 *
 *   0            76              100          112
 *   SlidingBlock | MacBlock      | PlainBlock | TapsBlock, DenseFoldBlock
 *                                | TileBlock  | FetchedBlock
 *                                | SimdBlock
 */
import { SlidingBlock } from "./sliding";

/** What all targets have. */
@unmanaged
export class MacBlock extends SlidingBlock {
  y_zero: i32; // zero point of the output; tiles: twice it, plus one (finish.ts, mac-simd.ts)
  per: i32; // conv: input channels of a group; depthwise: outputs per input channel; dense: inputs
  weights: usize; // address, s8
  bias: usize; // address, i32 [o]; native: unused, as it stands before each tile; interp: what requantises (finish-interp.ts); fetched: of the tile
  multiplier: usize; // address, i32 [o], Q31; native: doubled, u32; int16: 16 bits; simd: f32 (mac-simd.ts); interp: low half of the lanes
  shift: usize; // address, s8 [o], left where positive; native: finish.ts; simd: f32 (mac-simd.ts); interp: high half of the lanes
}

/** Kernels that read weights in the operator's own order. */
@unmanaged
export class PlainBlock extends MacBlock {
  all_source: usize; // weights apart from memory: where all weights of the layer stand there (fetch.ts)
  all_bytes: i32;
  low: usize; // int16, rounded once: address, i32 [o], lower bits of the multipliers
}
