/**
 * depthwise with SIMD128 over one feature, one filter a channel: eight channels, two taps a multiplication, four rows at a time.
 *
 * In: X s8 [X_ROWS][X_C].  Out: as depthwise.ts with PER 1.  Weights s8 [Y_C / 8][KERNEL_T / 2][8][2], filled up with zeros to two pairs.
 * A row beside the one that follows it gives two taps of one output row, and the next two of the output row two further up: four output rows
 * that lie as far apart as their taps share what is zipped. PATCH holds eight zero points, for rows that are padding.
 * Exact: int32 sums in another order.  Up to seven channels past the last are read; their sums are dropped.
 */
import { BIAS, DILATION_T, KERNEL_T, PAD_T, PATCH, STRIDE_T, SUMS, WEIGHTS, X, X_C, X_ROWS, X_ZERO, Y, Y_C } from "./block";
import { finish_place, keep, mac, sums_bytes, zeros } from "./mac-simd";
import { fill_s8 } from "./move";
import { DILATIONS, EDGES } from "./needs";

/** Eight values at `at` less the zero point, or padding (past the last tap of an odd kernel anything: its weight is 0) where no row begins. */
// @ts-ignore: decorator
@inline
function row_s16(at: usize, x: usize, span: usize, padding: usize, zero: v128): v128 {
  return i16x8.sub(v128.load_ext<i8>(at - x <= span ? at : padding), zero);
}

// @ts-ignore: decorator
@inline
function zip_low(u: v128, v: v128): v128 {
  return v128.shuffle<i16>(u, v, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function zip_high(u: v128, v: v128): v128 {
  return v128.shuffle<i16>(u, v, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Sums of one output row whose first tap is row t, or of four that lie `step` bytes apart as their taps do: taps are zipped in registers. */
function rows_of_taps(p: usize, sums: usize, pitch: i32, t: i32, step: i32, tile: i32, four: bool): void {
  const bytes = load<i32>(p, X_C);
  const span = <usize>((load<i32>(p, X_ROWS) - 1) * bytes); // from the first row to the last
  const zero = zeros(p);
  let w = <usize>load<i32>(p, WEIGHTS);
  let bias = <usize>load<i32>(p, BIAS);
  let x = <usize>load<i32>(p, X);
  let padding = EDGES ? <usize>load<i32>(p, PATCH) : x;
  for (const end = x + bytes; x < end; x += 8) {
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let at = w;
    let from = x + t * bytes;
    if (four) {
      let b0 = a0;
      let b1 = a1;
      let c0 = a0;
      let c1 = a1;
      let d0 = a0;
      let d1 = a1;
      let u = row_s16(from, x, span, padding, zero);
      let v = row_s16(from + step, x, span, padding, zero);
      let l0 = zip_low(u, v);
      let h0 = zip_high(u, v);
      from += step << 1;
      u = row_s16(from, x, span, padding, zero);
      let l1 = zip_low(v, u);
      let h1 = zip_high(v, u);
      for (let k = load<i32>(p, KERNEL_T); k > 0; k -= 2) {
        const w0 = v128.load_ext<i8>(at);
        const w1 = v128.load_ext<i8>(at, 8);
        a0 = mac(a0, l0, w0);
        a1 = mac(a1, h0, w1);
        b0 = mac(b0, l1, w0);
        b1 = mac(b1, h1, w1);
        from += step;
        v = row_s16(from, x, span, padding, zero);
        l0 = zip_low(u, v);
        h0 = zip_high(u, v);
        c0 = mac(c0, l0, w0);
        c1 = mac(c1, h0, w1);
        from += step;
        u = row_s16(from, x, span, padding, zero);
        l1 = zip_low(v, u);
        h1 = zip_high(v, u);
        d0 = mac(d0, l1, w0);
        d1 = mac(d1, h1, w1);
        at += 16;
      }
      keep(sums + pitch, b0, b1);
      keep(sums + 2 * pitch, c0, c1);
      keep(sums + 3 * pitch, d0, d1);
    } else {
      for (let k = load<i32>(p, KERNEL_T); k > 0; k -= 2) {
        const u = EDGES ? row_s16(from, x, span, padding, zero) : i16x8.sub(v128.load_ext<i8>(from), zero);
        if (EDGES || k > 1) from += step;
        const v = EDGES ? row_s16(from, x, span, padding, zero) : i16x8.sub(v128.load_ext<i8>(from), zero);
        a0 = mac(a0, zip_low(u, v), v128.load_ext<i8>(at));
        a1 = mac(a1, zip_high(u, v), v128.load_ext<i8>(at, 8));
        from += step;
        at += 16;
      }
    }
    keep(sums, a0, a1);
    if (!EDGES) padding += 8;
    sums += 32;
    bias += 32;
    w += tile;
  }
}

/** Rows of one feature. */
export function depthwise_rows_s8_simd(p: usize, first: i32, rows: i32): void {
  const y_c = load<i32>(p, Y_C);
  const stride_t = load<i32>(p, STRIDE_T);
  const step = DILATIONS ? load<i32>(p, DILATION_T) : 1;
  const pad_t = EDGES ? load<i32>(p, PAD_T) : 0;
  const tile = ((load<i32>(p, KERNEL_T) + 3) & ~3) << 3;
  const sums = <usize>load<i32>(p, SUMS);
  const pitch = sums_bytes(y_c);
  if (EDGES) fill_s8(load<i32>(p, PATCH), load<i32>(p, X_ZERO), 8);
  const end = first + rows;
  for (let phase = first; phase < min(end, first + step); phase++) {
    for (let t = phase; t < end;) {
      const four = stride_t == 1 && t + 3 * step < end;
      const from = t * stride_t - pad_t;
      rows_of_taps(p, sums, pitch, from, step * load<i32>(p, X_C), tile, four);
      const places = four ? 4 : 1;
      for (let i: i32 = 0; i < places; i++) {
        finish_place(p, load<i32>(p, Y) + t * y_c, sums + i * pitch);
        t += step;
      }
    }
  }
}
