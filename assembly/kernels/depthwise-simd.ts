/**
 * depthwise with SIMD128, one filter a channel: eight channels, two taps a multiplication, four rows at a time.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: as depthwise.ts with PER 1.  Weights s8 [Y_C / 8][KERNEL_F][KERNEL_T / 2][8][2], filled up with zeros to two pairs.
 * PATCH holds every row beside the one that follows it by the dilation, s16 [rows][padding, X_F, padding][X_C][2] less the zero point, padding 0:
 * row t serves the first tap of output row t, the third of row t - 2, and so on, for up to CHUNK output rows together.
 * Exact: int32 sums in another order.  Up to seven channels past the last are read; their sums are dropped.
 */
import {
  BIAS,
  CHUNK,
  DILATION_F,
  DILATION_T,
  F_AFTER,
  KERNEL_F,
  KERNEL_T,
  PAD_F,
  PAD_T,
  PATCH,
  STRIDE_F,
  STRIDE_T,
  SUMS,
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
import { finish_place, keep, mac, sums_bytes, zeros } from "./mac-simd";
import { fill_s8 } from "./move";
import { DILATIONS, EDGES, FEATURES } from "./needs";

/** n values of two rows, each beside the other: s16 [n][2]. A row at 0 is padding. */
function zip_rows(to: usize, a: usize, b: usize, n: i32, zero: v128): void {
  for (let i: i32 = 0; i < n; i += 8) {
    const u = a ? i16x8.sub(v128.load_ext<i8>(a + i), zero) : i16x8.splat(0);
    const v = b ? i16x8.sub(v128.load_ext<i8>(b + i), zero) : i16x8.splat(0);
    v128.store(to, v128.shuffle<i16>(u, v, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to, v128.shuffle<i16>(u, v, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    to += 32;
  }
}

/** Where row t lies, or 0. */
// @ts-ignore: decorator
@inline
function row_at(p: usize, t: i32, bytes: i32): usize {
  return <u32>t < load<u32>(p, X_ROWS) ? load<i32>(p, X) + t * bytes : 0;
}

/** Every `step`-th of the rows t0 to t0 + rows - 1, with its partner. */
function zip_all(p: usize, t0: i32, rows: i32, step: i32, frame: i32): void {
  const x_c = load<i32>(p, X_C);
  const bytes = FEATURES ? load<i32>(p, X_F) * x_c : x_c;
  const before = FEATURES && EDGES ? (load<i32>(p, PAD_F) * x_c) << 2 : 0;
  const after = FEATURES && EDGES ? (load<i32>(p, F_AFTER) * x_c) << 2 : 0;
  const dilation_t = DILATIONS ? load<i32>(p, DILATION_T) : 1;
  const zero = zeros(p);
  let to = <usize>load<i32>(p, PATCH);
  for (let t = t0; t < t0 + rows; t += step) {
    zip_rows(to + before, row_at(p, t, bytes), row_at(p, t + dilation_t, bytes), bytes, zero);
    if (FEATURES && EDGES) {
      fill_s8(to, 0, before);
      fill_s8(to + before + (bytes << 2), 0, after);
    }
    to += step * frame;
  }
}

/** Sums of the one row of one feature whose first tap is row t: its taps are zipped in registers. */
function one_row(p: usize, sums: usize, t: i32, tile: i32): void {
  const bytes = load<i32>(p, X_C);
  const dilation_t = DILATIONS ? load<i32>(p, DILATION_T) : 1;
  const step = dilation_t * bytes;
  const zero = zeros(p);
  const padding = <usize>load<i32>(p, PATCH);
  if (EDGES) fill_s8(padding, load<i32>(p, X_ZERO), 8);
  let w = <usize>load<i32>(p, WEIGHTS);
  let x = <usize>(load<i32>(p, X) + t * bytes);
  let bias = <usize>load<i32>(p, BIAS);
  for (const end = x + bytes; x < end; x += 8) {
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let at = w;
    let from = x;
    let row = t;
    for (let k = load<i32>(p, KERNEL_T); k > 0; k -= 2) {
      // the last weight of an odd kernel is 0
      let first = from;
      let second = k > 1 ? from + step : from;
      if (EDGES) {
        if (<u32>row >= load<u32>(p, X_ROWS)) first = padding;
        if (<u32>(row + dilation_t) >= load<u32>(p, X_ROWS)) second = padding;
        row += dilation_t << 1;
      }
      const u = i16x8.sub(v128.load_ext<i8>(first), zero);
      const v = i16x8.sub(v128.load_ext<i8>(second), zero);
      a0 = mac(a0, v128.shuffle<i16>(u, v, 0, 8, 1, 9, 2, 10, 3, 11), v128.load_ext<i8>(at));
      a1 = mac(a1, v128.shuffle<i16>(u, v, 4, 12, 5, 13, 6, 14, 7, 15), v128.load_ext<i8>(at, 8));
      at += 16;
      from += step << 1;
    }
    keep(sums, a0, a1);
    sums += 32;
    bias += 32;
    w += tile;
  }
}

/** Sums of channels o to o + 7 of four rows, or of one. */
function channels(
  p: usize,
  sums: usize, // i32, of channel o of the first row
  pitch: i32, // bytes between the sums of two rows
  bias: usize, // i32, of channel o
  x: usize, // s16, of the first tap of the first row
  w: usize, // s8 [kernel_f][pairs][8][2]
  four: bool,
  x_pitch: i32, // bytes between the inputs of two output rows
  pair: i32, // bytes between two pairs of taps
): void {
  const kernel_f = FEATURES ? load<i32>(p, KERNEL_F) : 1;
  const column = FEATURES ? (load<i32>(p, DILATION_F) * load<i32>(p, X_C)) << 2 : 0;
  let a0 = v128.load(bias);
  let a1 = v128.load(bias, 16);
  let b0 = a0;
  let b1 = a1;
  let c0 = a0;
  let c1 = a1;
  let d0 = a0;
  let d1 = a1;
  for (let kf: i32 = 0; kf < kernel_f; kf++) {
    let from = x;
    for (let k = load<i32>(p, KERNEL_T); k > 0; k -= 2) {
      const w0 = v128.load_ext<i8>(w);
      const w1 = v128.load_ext<i8>(w, 8);
      w += 16;
      a0 = mac(a0, v128.load(from), w0);
      a1 = mac(a1, v128.load(from, 16), w1);
      if (four || !FEATURES) {
        let row = from + x_pitch;
        b0 = mac(b0, v128.load(row), w0);
        b1 = mac(b1, v128.load(row, 16), w1);
        row += x_pitch;
        c0 = mac(c0, v128.load(row), w0);
        c1 = mac(c1, v128.load(row, 16), w1);
        row += x_pitch;
        d0 = mac(d0, v128.load(row), w0);
        d1 = mac(d1, v128.load(row, 16), w1);
      }
      from += pair;
    }
    x += column;
  }
  keep(sums, a0, a1);
  if (FEATURES && !four) return;
  keep(sums + pitch, b0, b1);
  keep(sums + 2 * pitch, c0, c1);
  keep(sums + 3 * pitch, d0, d1);
}

export function depthwise_s8_simd(p: usize, first: i32, rows: i32): void {
  const x_c = load<i32>(p, X_C);
  const y_f = FEATURES ? load<i32>(p, Y_F) : 1;
  const y_c = load<i32>(p, Y_C);
  const kernel_t = load<i32>(p, KERNEL_T);
  const stride_t = load<i32>(p, STRIDE_T);
  const step = DILATIONS ? load<i32>(p, DILATION_T) << 1 : 2; // rows between two pairs
  const pairs = (kernel_t + 1) >> 1;
  let frame = x_c << 2;
  if (FEATURES) frame *= load<i32>(p, X_F) + (EDGES ? load<i32>(p, PAD_F) + load<i32>(p, F_AFTER) : 0);
  const column = FEATURES ? (load<i32>(p, STRIDE_F) * x_c) << 2 : 0;
  const tile = ((pairs * (FEATURES ? load<i32>(p, KERNEL_F) : 1) + 1) & ~1) << 4;
  const pad_t = EDGES ? load<i32>(p, PAD_T) : 0;
  const chunk = load<i32>(p, CHUNK);
  const sums = <usize>load<i32>(p, SUMS);
  const bias = <usize>load<i32>(p, BIAS);
  const pitch = sums_bytes(y_c);
  let y = <usize>(load<i32>(p, Y) + first * y_f * y_c);
  for (const end = first + rows; first < end; first += chunk) {
    const count = min(chunk, end - first);
    // of a single output row, what its pairs read
    const zipped = FEATURES ? count : count & ~3;
    if (zipped > 0)
      zip_all(
        p,
        first * stride_t - pad_t,
        (zipped - 1) * stride_t + (pairs - 1) * step + 1,
        FEATURES && count == 1 ? step : 1,
        frame,
      );
    let t: i32 = 0;
    while (t < count) {
      const four = t + 4 <= count;
      const done = four ? 4 : 1;
      if (!FEATURES && !four) {
        one_row(p, sums, (first + t) * stride_t - pad_t, tile);
        finish_place(p, y, sums);
        y += y_c;
        t++;
        continue;
      }
      for (let f: i32 = 0; f < y_f; f++) {
        let w = <usize>load<i32>(p, WEIGHTS);
        let x = <usize>(load<i32>(p, PATCH) + t * stride_t * frame + f * column);
        for (let o: i32 = 0; o < y_c; o += 8) {
          channels(p, sums + (o << 2), pitch, bias + (o << 2), x, w, four, stride_t * frame, step * frame);
          x += 32;
          w += tile;
        }
        for (let i: i32 = 0; i < done; i++) finish_place(p, y + (i * y_f + f) * y_c, sums + i * pitch);
      }
      y += done * y_f * y_c;
      t += done;
    }
  }
}
