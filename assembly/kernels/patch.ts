/**
 * patch: the taps of one output place, side by side, for kernels that read them as one run.
 *
 * In: X s8 [X_ROWS][X_F][X_C], the place (t, f) of the output and a group of channels.  Out: address of s8 [KERNEL_T][KERNEL_F][PER]. Padded
 * taps hold the zero point, so that a zero point folded into the bias stays right.  Where the input lies so already (RUNS) nothing is copied.
 */
import {
  DILATION_F,
  DILATION_T,
  KERNEL_F,
  KERNEL_T,
  PAD_F,
  PAD_T,
  PATCH,
  PER,
  RUNS,
  STRIDE_F,
  STRIDE_T,
  X,
  X_C,
  X_F,
  X_ROWS,
  X_ZERO,
} from "./block";
import { fill_s8, move_s8 } from "./move";
import { DILATIONS, EDGES, FEATURES, PATCHES } from "./needs";

/** Taps of a place: where they are, or a copy. */
// @ts-ignore: decorator
@inline
export function taps_s8(p: usize, t: i32, f: i32, group: i32): usize {
  if (PATCHES) return patch_s8(p, t, f, group);
  let at = t * load<i32>(p, STRIDE_T);
  if (FEATURES) at = at * load<i32>(p, X_F) + f * load<i32>(p, STRIDE_F);
  return load<i32>(p, X) + at * load<i32>(p, X_C) + group * load<i32>(p, PER);
}

function patch_s8(p: usize, t: i32, f: i32, group: i32): usize {
  const x_f = FEATURES ? load<i32>(p, X_F) : 1;
  const x_c = load<i32>(p, X_C);
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = FEATURES ? load<i32>(p, KERNEL_F) : 1;
  const dilation_t = DILATIONS ? load<i32>(p, DILATION_T) : 1;
  const per = load<i32>(p, PER);
  let t0 = t * load<i32>(p, STRIDE_T);
  if (EDGES) t0 -= load<i32>(p, PAD_T);
  const f0 = FEATURES ? f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F) : 0;
  const x = <usize>(load<i32>(p, X) + group * per);
  if (load<i32>(p, RUNS) && (!EDGES || (t0 >= 0 && t0 + (kernel_t - 1) * dilation_t < load<i32>(p, X_ROWS))))
    return x + (t0 * x_f + f0) * x_c;
  let to = <usize>load<i32>(p, PATCH);
  for (let kt: i32 = 0; kt < kernel_t; kt++) {
    for (let kf: i32 = 0; kf < kernel_f; kf++) {
      const at = FEATURES ? f0 + kf * load<i32>(p, DILATION_F) : 0;
      if (!EDGES || (<u32>t0 < load<u32>(p, X_ROWS) && <u32>at < <u32>x_f)) move_s8(to, x + (t0 * x_f + at) * x_c, per);
      else fill_s8(to, load<i32>(p, X_ZERO), per);
      to += per;
    }
    t0 += dilation_t;
  }
  return load<i32>(p, PATCH);
}
