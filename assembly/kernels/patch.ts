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

export function patch_s8(p: usize, t: i32, f: i32, group: i32): usize {
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const x_rows = load<i32>(p, X_ROWS);
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = load<i32>(p, KERNEL_F);
  const dilation_t = load<i32>(p, DILATION_T);
  const dilation_f = load<i32>(p, DILATION_F);
  const per = load<i32>(p, PER);
  const zero = load<i32>(p, X_ZERO);
  let t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
  const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
  const x = <usize>(load<i32>(p, X) + group * per);
  if (load<i32>(p, RUNS) && t0 >= 0 && t0 + (kernel_t - 1) * dilation_t < x_rows) return x + (t0 * x_f + f0) * x_c;
  let to = <usize>load<i32>(p, PATCH);
  for (let kt: i32 = 0; kt < kernel_t; kt++) {
    for (let kf: i32 = 0; kf < kernel_f; kf++) {
      const at = f0 + kf * dilation_f;
      if (<u32>t0 < <u32>x_rows && <u32>at < <u32>x_f) move_s8(to, x + (t0 * x_f + at) * x_c, per);
      else fill_s8(to, zero, per);
      to += per;
    }
    t0 += dilation_t;
  }
  return load<i32>(p, PATCH);
}
