/**
 * conv and dense with SIMD128: tiles of four places x eight outputs, two taps a multiplication.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: as conv.ts.  Weights s8 [Y_C / 8][taps / 2][8][2], tiles and fours of taps filled up with zeros, one such
 * run a group.  Taps are int16 less the zero point (PATCH), where padded ones are 0.  conv_rows: rows of the input are widened once, up to CHUNK
 * output rows together, and places read them PLACE values apart.  conv_patch: the taps of four places are copied.
 * Exact: int32 sums in another order.  Up to 15 bytes past the taps and the tables are read, and multiplied by 0.
 */
import {
  BIAS,
  CHUNK,
  DILATION_F,
  DILATION_T,
  KERNEL_F,
  KERNEL_T,
  PAD_F,
  PAD_T,
  PATCH,
  PER,
  PLACE,
  POOL,
  STRIDE_F,
  STRIDE_T,
  SUMS,
  WEIGHTS,
  X,
  X_C,
  X_F,
  X_ROWS,
  Y,
  Y_C,
  Y_F,
} from "./block";
import { tile_four, tile_one, tile_two } from "./conv-tiles-simd";
import { finish_place, sums_bytes, widen_s8, zeros } from "./mac-simd";
import { fill_s8 } from "./move";
import { DILATIONS, EDGES, FEATURES, FOURS, GROUPS, ONES, PAIRS, POOLED } from "./needs";

/** int16 taps of a place, in whole fours. */
// @ts-ignore: decorator
@inline
function pitch_of(taps: i32): i32 {
  return ((taps + 3) & ~3) << 1;
}

// @ts-ignore: decorator
@inline
function features(p: usize, field: i32): i32 {
  return FEATURES ? load<i32>(p + field) : 1;
}

/** `rows` rows of the input from row t on, `step` apart, as int16; 0 where they are padding. */
function widen_rows(p: usize, t: i32, rows: i32, step: i32): void {
  const bytes = features(p, X_F) * load<i32>(p, X_C);
  const zero = zeros(p);
  let to = <usize>load<i32>(p, PATCH);
  for (; rows > 0; rows--) {
    if (!EDGES || <u32>t < load<u32>(p, X_ROWS)) widen_s8(to, load<i32>(p, X) + t * bytes, bytes, zero);
    else fill_s8(to, 0, bytes << 1);
    to += bytes << 1;
    t += step;
  }
}

/** Of so many places that are left, how many share the loads of weights. */
// @ts-ignore: decorator
@inline
function at_once(places: i32): i32 {
  return FOURS && places >= 4 ? 4 : PAIRS && places >= 2 ? 2 : 1;
}

/** Sums of one place; of two times the same one where there is no loop for one. */
// @ts-ignore: decorator
@inline
function single(sums: usize, pitch: i32, bias: usize, outputs: i32, x: usize, w: usize, taps: i32): void {
  if (ONES) tile_one(sums, bias, outputs, x, w, taps);
  else tile_two(sums, pitch, bias, outputs, x, 0, w, taps);
}

/** Sums of four places, of two, or of one, of all groups; taps of a group `x_group` bytes after those of the one before. */
function sums_of(p: usize, places: i32, x: usize, x_pitch: i32, x_group: i32, taps: i32): void {
  const y_c = load<i32>(p, Y_C);
  const groups = GROUPS ? load<i32>(p, X_C) / load<i32>(p, PER) : 1;
  const outputs = y_c / groups;
  const group_bytes = ((outputs + 7) >> 3) * (pitch_of(taps) << 2);
  let w = <usize>load<i32>(p, WEIGHTS);
  let sums = <usize>load<i32>(p, SUMS);
  let bias = <usize>load<i32>(p, BIAS);
  // a tile that is not full writes past its group: the next group comes after it
  for (let g: i32 = 0; g < groups; g++) {
    if (FOURS && places == 4) tile_four(p, sums, sums_bytes(y_c), bias, outputs, x, x_pitch, w, taps);
    else if (PAIRS && places == 2) tile_two(sums, sums_bytes(y_c), bias, outputs, x, x_pitch, w, taps);
    else single(sums, sums_bytes(y_c), bias, outputs, x, w, taps);
    w += group_bytes;
    x += x_group;
    sums += outputs << 2;
    bias += outputs << 2;
  }
}

/** Outputs of the places whose sums are there; returns where the next ones go. */
function finish_places(p: usize, y: usize, y_pitch: i32, places: i32): usize {
  const pitch = sums_bytes(load<i32>(p, Y_C));
  let sums = <usize>load<i32>(p, SUMS);
  for (; places > 0; places--) {
    finish_place(p, y, sums);
    sums += pitch;
    y += y_pitch;
  }
  return y;
}

/** `places` places from `x` on, `pitch` bytes apart, four at a time while there are four; outputs y_pitch bytes apart. */
function places_s8(p: usize, y: usize, y_pitch: i32, x: usize, pitch: i32, places: i32, taps: i32): void {
  const pool = POOLED ? load<i32>(p, POOL) : 1;
  while (places > 0) {
    const done = at_once(places);
    sums_of(p, done, x, pitch, load<i32>(p, PER) << 1, taps);
    y = finish_places(p, y, y_pitch, POOLED ? done / pool : done);
    places -= done;
    x += done * pitch;
  }
}

/** Places whose taps lie side by side, once every DILATION_T-th row is taken for itself. */
export function conv_rows_s8_simd(p: usize, first: i32, rows: i32): void {
  const y_f = features(p, Y_F);
  const y_c = load<i32>(p, Y_C);
  const kernel_t = load<i32>(p, KERNEL_T);
  const stride_t = load<i32>(p, STRIDE_T);
  const dilation_t = DILATIONS ? load<i32>(p, DILATION_T) : 1; // 1 where the stride is not
  const taps = kernel_t * features(p, KERNEL_F) * load<i32>(p, PER);
  const pad_t = EDGES ? load<i32>(p, PAD_T) : 0;
  const end = first + rows;
  for (let phase = first; phase < min(end, first + dilation_t); phase++) {
    const chunk = load<i32>(p, CHUNK);
    for (let t = phase; t < end; t += chunk * dilation_t) {
      const count = min(chunk, (end - t + dilation_t - 1) / dilation_t);
      widen_rows(p, t * stride_t - pad_t, (count - 1) * stride_t + kernel_t, dilation_t);
      const y = load<i32>(p, Y) + (POOLED ? t / load<i32>(p, POOL) : t) * y_f * y_c;
      places_s8(p, y, dilation_t * y_c, load<i32>(p, PATCH), load<i32>(p, PLACE) << 1, count * y_f, taps);
    }
  }
}

/** Taps of the place (t, f) and a group of channels: s16 [KERNEL_T][KERNEL_F][PER]. */
function patch_s16(p: usize, to: usize, t: i32, f: i32, group: i32): void {
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const per = load<i32>(p, PER);
  const zero = zeros(p);
  const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
  const x = <usize>(load<i32>(p, X) + group * per);
  let t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
  for (let kt: i32 = 0; kt < load<i32>(p, KERNEL_T); kt++) {
    for (let kf: i32 = 0; kf < load<i32>(p, KERNEL_F); kf++) {
      const at = f0 + kf * load<i32>(p, DILATION_F);
      if (<u32>t0 < load<u32>(p, X_ROWS) && <u32>at < <u32>x_f) widen_s8(to, x + (t0 * x_f + at) * x_c, per, zero);
      else fill_s8(to, 0, per << 1);
      to += per << 1;
    }
    t0 += load<i32>(p, DILATION_T);
  }
}

/** Places whose taps are copied: those of a place group by group, whole fours each. */
export function conv_patch_s8_simd(p: usize, first: i32, rows: i32): void {
  const y_f = load<i32>(p, Y_F);
  const y_c = load<i32>(p, Y_C);
  const per = load<i32>(p, PER);
  const groups = GROUPS ? load<i32>(p, X_C) / per : 1;
  const taps = load<i32>(p, KERNEL_T) * load<i32>(p, KERNEL_F) * per;
  const pitch = pitch_of(taps);
  const patch = <usize>load<i32>(p, PATCH);
  let y = <usize>(load<i32>(p, Y) + first * y_f * y_c);
  let at = first * y_f; // place
  let left = rows * y_f;
  while (left > 0) {
    const places = at_once(left);
    let to = patch;
    for (let i: i32 = 0; i < places; i++) {
      for (let g: i32 = 0; g < groups; g++) {
        patch_s16(p, to, (at + i) / y_f, (at + i) % y_f, g);
        to += pitch;
      }
    }
    sums_of(p, places, patch, groups * pitch, pitch, taps);
    y = finish_places(p, y, y_c, places);
    at += places;
    left -= places;
  }
}

export function dense_s8_simd(p: usize): void {
  const taps = load<i32>(p, PER);
  const patch = <usize>load<i32>(p, PATCH);
  const sums = <usize>load<i32>(p, SUMS);
  widen_s8(patch, load<i32>(p, X), taps, zeros(p));
  const y_c = load<i32>(p, Y_C);
  single(sums, sums_bytes(y_c), load<i32>(p, BIAS), y_c, patch, load<i32>(p, WEIGHTS), taps);
  finish_place(p, load<i32>(p, Y), sums);
}
