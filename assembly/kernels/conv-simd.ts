/**
 * conv and dense with SIMD128: tiles of four places x eight outputs, two taps a multiplication.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: as conv.ts.  Weights s8 [Y_C / 8][taps / 2][8][2], tiles and pairs filled up with zeros, one such run a group.
 * Taps are widened to int16 less the zero point once a place (PATCH), where padded ones are 0, and read by all tiles.
 * Exact: int32 sums in another order.  Memory up to 15 bytes past the taps and the tables is read, and multiplied by 0.
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
  WEIGHTS,
  X,
  X_C,
  X_F,
  X_ROWS,
  X_ZERO,
  Y,
  Y_C,
  Y_F,
} from "./block";
import { finish_eight, widen_s8, zeros } from "./mac-simd";
import { fill_s8 } from "./move";

/** int16 taps of a place, in whole pairs, with room for the eight that widening writes. */
// @ts-ignore: decorator
@inline
function pitch_of(taps: i32): i32 {
  return ((taps + 1) & ~1) << 1;
}

/** Taps of the place (t, f) and a group of channels: s16 [KERNEL_T][KERNEL_F][PER], and a 0 where their number is odd. */
function patch_s16(p: usize, to: usize, t: i32, f: i32, group: i32): void {
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const x_rows = load<i32>(p, X_ROWS);
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = load<i32>(p, KERNEL_F);
  const per = load<i32>(p, PER);
  const zero = zeros(p);
  const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
  const x = <usize>(load<i32>(p, X) + group * per);
  let t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
  if (load<i32>(p, RUNS) == 1 && t0 >= 0 && t0 + kernel_t <= x_rows) {
    widen_s8(to, x + (t0 * x_f + f0) * x_c, kernel_t * kernel_f * per, zero);
    return;
  }
  for (let kt: i32 = 0; kt < kernel_t; kt++) {
    for (let kf: i32 = 0; kf < kernel_f; kf++) {
      const at = f0 + kf * load<i32>(p, DILATION_F);
      if (<u32>t0 < <u32>x_rows && <u32>at < <u32>x_f) widen_s8(to, x + (t0 * x_f + at) * x_c, per, zero);
      else fill_s8(to, 0, per << 1);
      to += per << 1;
    }
    t0 += load<i32>(p, DILATION_T);
  }
}

// @ts-ignore: decorator
@inline
function mac(sum: v128, x: v128, w: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, w));
}

/** Outputs o to end - 1 of four places. */
function four_places(
  p: usize,
  y: usize, // s8 [4][y_c]
  o: i32,
  end: i32,
  x: usize, // s16 [4][pitch]
  w: usize,
  taps: i32,
): void {
  const pitch = pitch_of(taps);
  const y_c = load<i32>(p, Y_C);
  for (; o < end; o += 8) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    let xa = x;
    let xb = x + pitch;
    let xc = xb + pitch;
    let xd = xc + pitch;
    for (let i: i32 = 0; i < taps; i += 2) {
      const w0 = v128.load_ext<i8>(w);
      const w1 = v128.load_ext<i8>(w, 8);
      let v = v128.load_splat<i32>(xa);
      a0 = mac(a0, v, w0);
      a1 = mac(a1, v, w1);
      v = v128.load_splat<i32>(xb);
      b0 = mac(b0, v, w0);
      b1 = mac(b1, v, w1);
      v = v128.load_splat<i32>(xc);
      c0 = mac(c0, v, w0);
      c1 = mac(c1, v, w1);
      v = v128.load_splat<i32>(xd);
      d0 = mac(d0, v, w0);
      d1 = mac(d1, v, w1);
      w += 16;
      xa += 4;
      xb += 4;
      xc += 4;
      xd += 4;
    }
    finish_eight(p, y, o, end, a0, a1);
    finish_eight(p, y + y_c, o, end, b0, b1);
    finish_eight(p, y + 2 * y_c, o, end, c0, c1);
    finish_eight(p, y + 3 * y_c, o, end, d0, d1);
  }
}

/** Outputs o to end - 1 of one place, sixteen at a time. */
function one_place(
  p: usize,
  y: usize, // s8 [y_c]
  o: i32,
  end: i32,
  x: usize, // s16 [taps], in whole pairs
  w: usize,
  taps: i32,
): void {
  const tile = ((taps + 1) & ~1) << 3;
  for (; o < end; o += 16) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let from = x;
    const both = o + 8 < end;
    let wb = both ? w + tile : w;
    for (let i: i32 = 0; i < taps; i += 2) {
      const v = v128.load_splat<i32>(from);
      a0 = mac(a0, v, v128.load_ext<i8>(w));
      a1 = mac(a1, v, v128.load_ext<i8>(w, 8));
      b0 = mac(b0, v, v128.load_ext<i8>(wb));
      b1 = mac(b1, v, v128.load_ext<i8>(wb, 8));
      from += 4;
      w += 16;
      wb += 16;
    }
    w = wb;
    finish_eight(p, y, o, end, a0, a1);
    if (both) finish_eight(p, y, o + 8, end, b0, b1);
  }
}

export function conv_s8_simd(p: usize, first: i32, rows: i32): void {
  const y_f = load<i32>(p, Y_F);
  const y_c = load<i32>(p, Y_C);
  const per = load<i32>(p, PER);
  const groups = load<i32>(p, X_C) / per;
  const out_per = y_c / groups;
  const taps = load<i32>(p, KERNEL_T) * load<i32>(p, KERNEL_F) * per;
  const pitch = pitch_of(taps);
  const group_bytes = ((out_per + 7) >> 3) * (pitch << 2);
  const patch = <usize>load<i32>(p, PATCH);
  let y = <usize>(load<i32>(p, Y) + first * y_f * y_c);
  let at = first * y_f; // place
  let left = rows * y_f;
  while (left > 0) {
    const places = left >= 4 ? 4 : 1;
    for (let g: i32 = 0; g < groups; g++) {
      const w = load<i32>(p, WEIGHTS) + g * group_bytes;
      for (let i: i32 = 0; i < places; i++) patch_s16(p, patch + i * pitch, (at + i) / y_f, (at + i) % y_f, g);
      if (places == 4) four_places(p, y, g * out_per, (g + 1) * out_per, patch, w, taps);
      else one_place(p, y, g * out_per, (g + 1) * out_per, patch, w, taps);
    }
    y += places * y_c;
    at += places;
    left -= places;
  }
}

export function dense_s8_simd(p: usize): void {
  const taps = load<i32>(p, PER);
  const patch = <usize>load<i32>(p, PATCH);
  widen_s8(patch, load<i32>(p, X), taps, zeros(p));
  one_place(p, load<i32>(p, Y), 0, load<i32>(p, Y_C), patch, load<i32>(p, WEIGHTS), taps);
}
