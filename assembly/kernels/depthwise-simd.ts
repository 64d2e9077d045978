/**
 * depthwise with SIMD128, one filter per channel: two taps per multiplication, with relaxed SIMD four; four
 * rows of eight channels at a time, or one row of sixteen.
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: as depthwise.ts with `per` 1.  Weights s16 [y_c / 8][kernel_f][kernel_t
 * / 2][8][2], padded with zeros to two pairs. Inputs keep their zero point, which `bias` subtracts. `patch`
 * holds sixteen zero points, which are read as padding. Two successive rows, interleaved, are two taps of one
 * output row, and the next two taps of the output row two rows earlier. So four output rows that are as far
 * apart as their taps share interleaved rows. Vector instructions limit the kernel: int16 weights save 2 of
 * 24 for eight multiplications, and one instruction narrows two rows to bytes. Exact: int32 sums in another
 * order.  Up to fifteen channels past the last, and a row past the last of an odd kernel, are read; their
 * sums are dropped, their weights 0.
 */
import { row_four_relaxed } from "./depthwise-four-relaxed";
import { row_four } from "./depthwise-four-simd";
import { is_inside, tap, zip_high, zip_low } from "./depthwise-taps-simd";
import { dot, flips, start_of } from "./mac-relaxed";
import { SimdBlock, bytes_high, bytes_low, finish_place, keep, mac } from "./mac-simd";
import { fill_s8 } from "./move";
import { DILATIONS, EDGES, FEATURES, RELAXED, ROW_FOURS, ROW_ONES } from "./needs";

/** Computes one output row of a feature. Its first tap is row t. */
function row_one(p: SimdBlock, y: usize, t: i32, column: i32, frame: i32, tile: i32): void {
  const next = DILATIONS ? p.dilation_t * frame : frame;
  const padding = EDGES ? p.patch : 0;
  const span = EDGES ? <usize>((p.x_rows - 1) * frame) : 0;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  const flip = RELAXED ? flips() : i8x16.splat(0);
  let w = p.weights;
  let bias = start_of(p);
  let sums = p.sums;
  let x = p.x;
  for (const end = x + p.x_c; x < end; x += 16) {
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let b0 = v128.load(bias, 32);
    let b1 = v128.load(bias, 48);
    let at = w;
    let f = column;
    for (let kf: i32 = 0; kf < kernel_f; kf++) {
      const inside = is_inside(p, f);
      const start = inside ? (FEATURES ? x + f * p.x_c : x) : padding;
      const by = inside ? next : 0;
      let from = inside ? start + t * frame : padding;
      for (let k = p.kernel_t; RELAXED && k > 0; k -= 4) {
        const r0 = v128.xor(v128.load(tap(from, start, span, padding)), flip);
        from += by;
        const r1 = v128.xor(v128.load(tap(from, start, span, padding)), flip);
        from += by;
        const r2 = v128.xor(v128.load(tap(from, start, span, padding)), flip);
        from += by;
        const r3 = v128.xor(v128.load(tap(from, start, span, padding)), flip);
        from += by;
        let u = bytes_low(r0, r1);
        let v = bytes_low(r2, r3);
        a0 = dot(a0, zip_low(u, v), v128.load(at));
        a1 = dot(a1, zip_high(u, v), v128.load(at, 16));
        u = bytes_high(r0, r1);
        v = bytes_high(r2, r3);
        b0 = dot(b0, zip_low(u, v), v128.load(at + tile));
        b1 = dot(b1, zip_high(u, v), v128.load(at + tile, 16));
        at += 32;
      }
      for (let k = p.kernel_t; !RELAXED && k > 0; k -= 2) {
        const u = v128.load(tap(from, start, span, padding));
        from += by;
        const v = v128.load(tap(from, start, span, padding));
        from += by;
        const low = bytes_low(u, v);
        const high = bytes_high(u, v);
        a0 = mac(a0, i16x8.extend_low_i8x16_s(low), v128.load(at));
        a1 = mac(a1, i16x8.extend_high_i8x16_s(low), v128.load(at, 16));
        b0 = mac(b0, i16x8.extend_low_i8x16_s(high), v128.load(at + tile));
        b1 = mac(b1, i16x8.extend_high_i8x16_s(high), v128.load(at + tile, 16));
        at += 32;
      }
      if (FEATURES) f += p.dilation_f;
    }
    keep(sums, a0, a1);
    keep(sums + 32, b0, b1);
    sums += 64;
    bias += 64;
    w += tile << 1;
  }
  finish_place(p, y, p.sums);
}

export function depthwise_s8_simd(p: SimdBlock, first: i32, rows: i32): void {
  const y_c = p.y_c;
  const y_f = FEATURES ? p.y_f : 1;
  const frame = FEATURES ? p.x_f * p.x_c : y_c;
  const stride_t = p.stride_t;
  const step = DILATIONS ? p.dilation_t : 1;
  const pad_t = EDGES ? p.pad_t : 0;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  const pairs = ((p.kernel_t + 1) >> 1) * kernel_f;
  const tile = RELAXED ? (((p.kernel_t + 3) >> 2) * kernel_f) << 5 : ((pairs + 1) & ~1) << 5;
  if (EDGES) fill_s8(p.patch, p.x_zero, 16);
  const end = first + rows;
  for (let phase = first; phase < min(end, first + step); phase++) {
    for (let t = phase; t < end;) {
      const four = ROW_FOURS && (!ROW_ONES || (stride_t == 1 && t + 3 * step < end));
      // without the loop for single rows, the last four rows overlap those before
      if (!ROW_ONES) while (t + 3 * step >= end) t -= step;
      let y = p.y + t * y_f * y_c;
      const from = t * stride_t - pad_t;
      let column = FEATURES && EDGES ? -p.pad_f : 0;
      for (let f: i32 = 0; f < y_f; f++) {
        if (RELAXED && four) row_four_relaxed(p, y, step * y_f * y_c, from, column, frame, tile);
        else if (four) row_four(p, y, step * y_f * y_c, from, column, frame, tile);
        else row_one(p, y, from, column, frame, tile);
        y += y_c;
        if (FEATURES) column += p.stride_f;
      }
      t += four ? 4 * step : step;
    }
  }
}
