/**
 * depthwise with SIMD128, one filter a channel: eight channels, two taps a multiplication, four rows at a time.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: as depthwise.ts with PER 1.  Weights s8 [Y_C / 8][taps / 2][8][2], filled up with zeros.
 * The input rows of up to eight output rows are widened once to PATCH s16 [rows][padding, X_F, padding][X_C], less the zero point, padding 0.
 * Exact: int32 sums in another order.  Up to seven channels past the last are read; their sums are dropped.
 */
import {
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
  WEIGHTS,
  X,
  X_C,
  X_F,
  X_ROWS,
  Y,
  Y_C,
  Y_F,
} from "./block";
import { finish_eight, widen_s8, zeros } from "./mac-simd";
import { fill_s8 } from "./move";

/** Output rows whose input is widened together. */
const CHUNK: i32 = 8;

/** Rows t0 to t0 + rows - 1 of the input, padded, as int16. */
function widen_rows(p: usize, t0: i32, rows: i32): void {
  const x_c = load<i32>(p, X_C);
  const bytes = load<i32>(p, X_F) * x_c;
  const before = load<i32>(p, PAD_F) * x_c;
  const after = load<i32>(p, F_AFTER) * x_c;
  const zero = zeros(p);
  let to = <usize>load<i32>(p, PATCH);
  for (let t = t0; t < t0 + rows; t++) {
    fill_s8(to, 0, before << 1);
    to += before << 1;
    if (<u32>t < <u32>load<i32>(p, X_ROWS)) widen_s8(to, load<i32>(p, X) + t * bytes, bytes, zero);
    else fill_s8(to, 0, bytes << 1);
    to += bytes << 1;
    fill_s8(to, 0, after << 1);
    to += after << 1;
  }
}

// @ts-ignore: decorator
@inline
function mac_low(sum: v128, a: v128, b: v128, w: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11), w));
}

// @ts-ignore: decorator
@inline
function mac_high(sum: v128, a: v128, b: v128, w: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), w));
}

/** Channels o to o + 7 of one or four rows. */
function channels(
  p: usize,
  y: usize, // s8, rows y_pitch apart
  o: i32,
  x: usize, // s16, of the first tap of the first row
  w: usize, // s8 [taps / 2][8][2]
  four: bool,
  y_pitch: i32,
  x_pitch: i32, // bytes between the inputs of two output rows
  row: i32, // bytes between two taps in time
): void {
  const kernel_f = load<i32>(p, KERNEL_F);
  const taps = load<i32>(p, KERNEL_T) * kernel_f;
  const column = (load<i32>(p, DILATION_F) * load<i32>(p, X_C)) << 1;
  const step = four ? x_pitch : 0;
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  let kf: i32 = 0;
  let from = x;
  for (let i: i32 = 0; i < taps; i += 2) {
    let first = x;
    if (++kf == kernel_f) {
      kf = 0;
      from += row;
      x = from;
    } else x += column;
    let second = i + 1 < taps ? x : first;
    if (++kf == kernel_f) {
      kf = 0;
      from += row;
      x = from;
    } else x += column;
    const w0 = v128.load_ext<i8>(w);
    const w1 = v128.load_ext<i8>(w, 8);
    w += 16;
    let u = v128.load(first);
    let v = v128.load(second);
    a0 = mac_low(a0, u, v, w0);
    a1 = mac_high(a1, u, v, w1);
    if (!four) continue;
    first += step;
    second += step;
    u = v128.load(first);
    v = v128.load(second);
    b0 = mac_low(b0, u, v, w0);
    b1 = mac_high(b1, u, v, w1);
    first += step;
    second += step;
    u = v128.load(first);
    v = v128.load(second);
    c0 = mac_low(c0, u, v, w0);
    c1 = mac_high(c1, u, v, w1);
    u = v128.load(first + step);
    v = v128.load(second + step);
    d0 = mac_low(d0, u, v, w0);
    d1 = mac_high(d1, u, v, w1);
  }
  const end = load<i32>(p, Y_C);
  finish_eight(p, y, o, end, a0, a1);
  if (!four) return;
  finish_eight(p, y + y_pitch, o, end, b0, b1);
  finish_eight(p, y + 2 * y_pitch, o, end, c0, c1);
  finish_eight(p, y + 3 * y_pitch, o, end, d0, d1);
}

export function depthwise_s8_simd(p: usize, first: i32, rows: i32): void {
  const y_f = load<i32>(p, Y_F);
  const y_c = load<i32>(p, Y_C);
  const kernel_t = load<i32>(p, KERNEL_T);
  const stride_t = load<i32>(p, STRIDE_T);
  const dilation_t = load<i32>(p, DILATION_T);
  const frame = ((load<i32>(p, PAD_F) + load<i32>(p, X_F) + load<i32>(p, F_AFTER)) * load<i32>(p, X_C)) << 1;
  const column = (load<i32>(p, STRIDE_F) * load<i32>(p, X_C)) << 1;
  const tile = ((kernel_t * load<i32>(p, KERNEL_F) + 1) & ~1) << 3;
  let y = <usize>(load<i32>(p, Y) + first * y_f * y_c);
  while (rows > 0) {
    const chunk = min(rows, CHUNK);
    widen_rows(p, first * stride_t - load<i32>(p, PAD_T), (chunk - 1) * stride_t + (kernel_t - 1) * dilation_t + 1);
    let t: i32 = 0;
    while (t < chunk) {
      const four = t + 4 <= chunk;
      for (let f: i32 = 0; f < y_f; f++) {
        let w = <usize>load<i32>(p, WEIGHTS);
        let x = <usize>(load<i32>(p, PATCH) + t * stride_t * frame + f * column);
        for (let o: i32 = 0; o < y_c; o += 8) {
          channels(p, y + f * y_c, o, x, w, four, y_f * y_c, stride_t * frame, dilation_t * frame);
          x += 16;
          w += tile;
        }
      }
      const done = four ? 4 : 1;
      y += done * y_f * y_c;
      t += done;
    }
    first += chunk;
    rows -= chunk;
  }
}
