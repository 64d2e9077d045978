/**
 * conv and dense with SIMD128: tiles of four output positions x eight outputs, two taps per multiplication;
 * with relaxed SIMD four (mac-relaxed.ts).
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: as conv.ts.  Weights of each group are s8 [y_c / 8][taps / 2][8][2],
 * relaxed [y_c / 8][taps / 4][8][4]; zeros pad tiles, and taps to a multiple of 4.  Taps (`patch`) are int16
 * less the zero point, and padded ones are 0; relaxed: bytes, and padded ones are the zero point. conv_rows
 * converts rows of the input to taps once, for up to `chunk` output rows, and reads positions `place` values
 * apart.  conv_patch copies the taps of four positions. Exact: int32 sums in another order. Up to 15 bytes
 * past the taps and the tables are read, and multiplied by 0.
 */
import { relaxed_four, relaxed_one, relaxed_two } from "./conv-tiles-relaxed";
import { tile_four, tile_one, tile_two } from "./conv-tiles-simd";
import { flip_byte, flip_s8, flips, start_of } from "./mac-relaxed";
import { SimdBlock, finish_place, sums_bytes, widen_s8, zeros } from "./mac-simd";
import { fill_s8 } from "./move";
import { DILATIONS, EDGES, FEATURES, FOURS, GROUPS, ONES, PAIRS, POOLED, RELAXED } from "./needs";

/** A tap has 2^TAP bytes: int16, or a byte for the dot product of relaxed SIMD. */
const TAP = RELAXED ? 0 : 1;

/** Returns the bytes of the taps of a position, padded to a multiple of 4 taps. */
// @ts-ignore: decorator
@inline
function pitch_of(taps: i32): i32 {
  return ((taps + 3) & ~3) << TAP;
}

/** Returns what taps differ by from the input: its zero point, or the bits that are flipped. */
// @ts-ignore: decorator
@inline
function change_of(p: SimdBlock): v128 {
  return RELAXED ? flips() : zeros(p);
}

/** Converts adjacent inputs to taps. */
// @ts-ignore: decorator
@inline
function taps_s8(to: usize, from: usize, n: i32, change: v128): void {
  if (RELAXED) flip_s8(to, from, n, change);
  else widen_s8(to, from, n, change);
}

/** Writes taps that are padding, of value 0. */
// @ts-ignore: decorator
@inline
function no_taps(p: SimdBlock, to: usize, n: i32): void {
  if (RELAXED) fill_s8(to, p.x_zero ^ flip_byte(), n);
  else fill_s8(to, 0, n << 1);
}

/** Converts `rows` rows of the input to taps, `step` apart from row t on. Without dilations: one run. */
function widen_rows(p: SimdBlock, t: i32, rows: i32, step: i32): void {
  const bytes = (FEATURES ? p.x_f : 1) * p.x_c;
  const change = change_of(p);
  let to = p.patch;
  while (rows > 0) {
    let run: i32 = 1;
    if (!EDGES || <u32>t < <u32>p.x_rows) {
      if (!DILATIONS) run = EDGES ? min(rows, p.x_rows - t) : rows;
      taps_s8(to, p.x + t * bytes, run * bytes, change);
    } else no_taps(p, to, bytes);
    to += (run * bytes) << TAP;
    t += run * step;
    rows -= run;
  }
}

/** Returns how many of the remaining positions share the loads of weights. */
// @ts-ignore: decorator
@inline
function at_once(places: i32): i32 {
  return FOURS && places >= 4 ? 4 : PAIRS && places >= 2 ? 2 : 1;
}

/** Computes the sums of four positions, of two, or of one. Without a loop for one, a pair does it twice. */
// @ts-ignore: decorator
@inline
function tile(
  p: SimdBlock,
  places: i32,
  sums: usize,
  pitch: i32,
  bias: usize,
  outputs: i32,
  x: usize,
  x_pitch: i32,
  w: usize,
  taps: i32,
): void {
  if (FOURS && places == 4) {
    if (RELAXED) relaxed_four(p, sums, pitch, bias, outputs, x, x_pitch, w, taps);
    else tile_four(p, sums, pitch, bias, outputs, x, x_pitch, w, taps);
  } else if (!ONES || (PAIRS && places == 2)) {
    if (places == 1) x_pitch = 0;
    if (RELAXED) relaxed_two(sums, pitch, bias, outputs, x, x_pitch, w, taps);
    else tile_two(sums, pitch, bias, outputs, x, x_pitch, w, taps);
  } else if (RELAXED) relaxed_one(sums, bias, outputs, x, w, taps);
  else tile_one(sums, bias, outputs, x, w, taps);
}

/** Computes the sums of `places` positions of all groups. `x_group`: bytes between the taps of groups. */
function sums_of(p: SimdBlock, places: i32, x: usize, x_pitch: i32, x_group: i32, taps: i32): void {
  const y_c = p.y_c;
  const groups = GROUPS ? p.x_c / p.per : 1;
  const outputs = y_c / groups;
  const group_bytes = ((outputs + 7) >> 3) * (((taps + 3) & ~3) << 3);
  let w = p.weights;
  let sums = p.sums;
  let bias = start_of(p);
  // an incomplete tile writes past its group, and the next group overwrites that
  for (let g: i32 = 0; g < groups; g++) {
    tile(p, places, sums, sums_bytes(y_c), bias, outputs, x, x_pitch, w, taps);
    w += group_bytes;
    x += x_group;
    sums += outputs << 2;
    bias += outputs << 2;
  }
}

/** Computes the outputs of positions from their sums. Returns where the next outputs go. */
function finish_places(p: SimdBlock, y: usize, y_pitch: i32, places: i32): usize {
  const pitch = sums_bytes(p.y_c);
  let sums = p.sums;
  for (; places > 0; places--) {
    finish_place(p, y, sums);
    sums += pitch;
    y += y_pitch;
  }
  return y;
}

/**
 * Computes `places` positions from `x` on, `pitch` bytes apart, four at a time if possible. Outputs are
 * y_pitch bytes apart.
 */
function places_s8(p: SimdBlock, y: usize, y_pitch: i32, x: usize, pitch: i32, places: i32, taps: i32): void {
  const pool = POOLED ? p.pool : 1;
  while (places > 0) {
    const done = at_once(places);
    sums_of(p, done, x, pitch, p.per << TAP, taps);
    y = finish_places(p, y, y_pitch, POOLED ? done / pool : done);
    places -= done;
    x += done * pitch;
  }
}

/** Runs layers whose taps are adjacent if every dilation_t-th row is taken separately. */
export function conv_rows_s8_simd(p: SimdBlock, first: i32, rows: i32): void {
  const y_f = FEATURES ? p.y_f : 1;
  const y_c = p.y_c;
  const kernel_t = p.kernel_t;
  const stride_t = p.stride_t;
  const dilation_t = DILATIONS ? p.dilation_t : 1; // 1 if the stride is not 1
  const taps = kernel_t * (FEATURES ? p.kernel_f : 1) * p.per;
  const pad_t = EDGES ? p.pad_t : 0;
  const end = first + rows;
  for (let phase = first; phase < min(end, first + dilation_t); phase++) {
    const chunk = p.chunk;
    for (let t = phase; t < end; t += chunk * dilation_t) {
      const count = min(chunk, (end - t + dilation_t - 1) / dilation_t);
      widen_rows(p, t * stride_t - pad_t, (count - 1) * stride_t + kernel_t, dilation_t);
      const y = p.y + (POOLED ? t / p.pool : t) * y_f * y_c;
      places_s8(p, y, dilation_t * y_c, p.patch, p.place << TAP, count * y_f, taps);
    }
  }
}

/** Copies the taps of position (t, f) and a group of channels: [kernel_t][kernel_f][per]. */
function place_taps(p: SimdBlock, to: usize, t: i32, f: i32, group: i32): void {
  const x_f = p.x_f;
  const x_c = p.x_c;
  const per = p.per;
  const change = change_of(p);
  const f0 = f * p.stride_f - p.pad_f;
  const x = p.x + group * per;
  let t0 = t * p.stride_t - p.pad_t;
  for (let kt: i32 = 0; kt < p.kernel_t; kt++) {
    for (let kf: i32 = 0; kf < p.kernel_f; kf++) {
      const at = f0 + kf * p.dilation_f;
      if (<u32>t0 < <u32>p.x_rows && <u32>at < <u32>x_f) taps_s8(to, x + (t0 * x_f + at) * x_c, per, change);
      else no_taps(p, to, per);
      to += per << TAP;
    }
    t0 += p.dilation_t;
  }
}

/** Runs layers whose taps are copied, group by group, each padded to a multiple of 4 taps. */
export function conv_patch_s8_simd(p: SimdBlock, first: i32, rows: i32): void {
  const y_f = p.y_f;
  const y_c = p.y_c;
  const per = p.per;
  const groups = GROUPS ? p.x_c / per : 1;
  const taps = p.kernel_t * p.kernel_f * per;
  const pitch = pitch_of(taps);
  const patch = p.patch;
  let y = p.y + first * y_f * y_c;
  let at = first * y_f; // index of the position
  let left = rows * y_f;
  while (left > 0) {
    const places = at_once(left);
    let to = patch;
    for (let i: i32 = 0; i < places; i++) {
      for (let g: i32 = 0; g < groups; g++) {
        place_taps(p, to, (at + i) / y_f, (at + i) % y_f, g);
        to += pitch;
      }
    }
    sums_of(p, places, patch, groups * pitch, pitch, taps);
    y = finish_places(p, y, y_c, places);
    at += places;
    left -= places;
  }
}

export function dense_s8_simd(p: SimdBlock): void {
  const patch = p.patch;
  taps_s8(patch, p.x, p.per, change_of(p));
  const y_c = p.y_c;
  tile(p, 1, p.sums, sums_bytes(y_c), start_of(p), y_c, patch, 0, p.weights, p.per);
  finish_place(p, p.y, p.sums);
}
