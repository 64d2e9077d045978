/**
 * patch: the taps of one output position as adjacent bytes, for kernels that read them as one run.
 *
 * In: x s8 [x_rows][x_f][x_c], the output position (t, f) and a group of channels.  Out: address of s8
 * [kernel_t][kernel_f][per]. Padded taps hold the zero point, so that a zero point folded into the bias stays
 * right.  If the taps are adjacent in the input (`runs`), nothing is copied.
 */
import { MacBlock } from "./mac";
import { fill_s8, move_s8 } from "./move";
import { DILATIONS, EDGES, FEATURES, PATCHES } from "./needs";

/** Block of layers whose weights are in tiles, for interp and native. */
@unmanaged
export class TileBlock extends MacBlock {
  runs: i32; // 1: the taps of every position inside the input are adjacent in it
  patch: usize; // address, s8 [kernel_t][kernel_f][per], if taps are copied
  sums: usize; // address, i32 [y_c]: the sums of a position
}

/** Returns the address of the taps of a position, in the input or in a copy. */
// @ts-ignore: decorator
@inline
export function taps_s8(p: TileBlock, t: i32, f: i32, group: i32): usize {
  if (PATCHES) return patch_s8(p, t, f, group);
  let at = t * p.stride_t;
  if (FEATURES) at = at * p.x_f + f * p.stride_f;
  return p.x + at * p.x_c + group * p.per;
}

function patch_s8(p: TileBlock, t: i32, f: i32, group: i32): usize {
  const x_f = FEATURES ? p.x_f : 1;
  const x_c = p.x_c;
  const kernel_t = p.kernel_t;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  const dilation_t = DILATIONS ? p.dilation_t : 1;
  const per = p.per;
  let t0 = t * p.stride_t;
  if (EDGES) t0 -= p.pad_t;
  const f0 = FEATURES ? f * p.stride_f - p.pad_f : 0;
  const x = p.x + group * per;
  if (p.runs && (!EDGES || (t0 >= 0 && t0 + (kernel_t - 1) * dilation_t < p.x_rows))) return x + (t0 * x_f + f0) * x_c;
  let to = p.patch;
  for (let kt: i32 = 0; kt < kernel_t; kt++) {
    for (let kf: i32 = 0; kf < kernel_f; kf++) {
      const at = FEATURES ? f0 + kf * p.dilation_f : 0;
      if (!EDGES || (<u32>t0 < <u32>p.x_rows && <u32>at < <u32>x_f)) move_s8(to, x + (t0 * x_f + at) * x_c, per);
      else fill_s8(to, p.x_zero, per);
      to += per;
    }
    t0 += dilation_t;
  }
  return p.patch;
}
