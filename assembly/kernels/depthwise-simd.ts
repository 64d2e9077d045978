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
import { dot, flips, start_of } from "./mac-relaxed";
import { SimdBlock, below_of, bytes_high, bytes_low, finish_place, is_exact, keep, mac, words_of } from "./mac-simd";
import { fill_s8 } from "./move";
import { DILATIONS, EDGES, FEATURES, RELAXED, ROW_FOURS, ROW_ONES, ROW_PARTS } from "./needs";

/** Returns where the tap at `at` is read. Rows begin at x to x + span; everything else is padding. */
// @ts-ignore: decorator
@inline
function tap(at: usize, x: usize, span: usize, padding: usize): usize {
  return !EDGES || at - x <= span ? at : padding;
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

/** Checks whether a column is in the input and not padding. */
// @ts-ignore: decorator
@inline
function is_inside(p: SimdBlock, column: i32): bool {
  return !EDGES || !FEATURES || <u32>column < <u32>p.x_f;
}

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

/**
 * Computes four output rows of a feature. Their first taps are row t and the rows `next` bytes further, as
 * far apart as taps. Taps are interleaved in registers.
 */
function row_four(p: SimdBlock, y: usize, pitch: i32, t: i32, column: i32, frame: i32, tile: i32): void {
  const next = DILATIONS ? p.dilation_t * frame : frame;
  const padding = EDGES ? p.patch : 0;
  const span = EDGES ? <usize>((p.x_rows - 1) * frame) : 0;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  const y_c = p.y_c;
  const exact = is_exact(p);
  const below = below_of(p);
  const magic = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("magic"));
  const zero = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("y_zero"));
  const flip = RELAXED ? flips() : i8x16.splat(0);
  let w = p.weights;
  let x = p.x;
  for (let o: i32 = 0; o < y_c; o += 8) {
    const table = <usize>(o << 2);
    let a0 = v128.load(start_of(p) + table);
    let a1 = v128.load(start_of(p) + table, 16);
    let b0 = a0;
    let b1 = a1;
    let c0 = a0;
    let c1 = a1;
    let d0 = a0;
    let d1 = a1;
    let at = w;
    let f = column;
    for (let kf: i32 = 0; kf < kernel_f; kf++) {
      const inside = is_inside(p, f);
      const start = inside ? (FEATURES ? x + f * p.x_c : x) : padding;
      const by = inside ? next : 0;
      let from = inside ? start + t * frame : padding;
      if (RELAXED) {
        let u = v128.xor(v128.load(tap(from, start, span, padding)), flip);
        from += by;
        let v = v128.xor(v128.load(tap(from, start, span, padding)), flip);
        let p0 = bytes_low(u, v);
        from += by;
        u = v128.xor(v128.load(tap(from, start, span, padding)), flip);
        let p1 = bytes_low(v, u);
        for (let k = p.kernel_t; k > 0; k -= 4) {
          from += by;
          v = v128.xor(v128.load(tap(from, start, span, padding)), flip);
          const p2 = bytes_low(u, v);
          const w0 = v128.load(at);
          const w1 = v128.load(at, 16);
          a0 = dot(a0, zip_low(p0, p2), w0);
          a1 = dot(a1, zip_high(p0, p2), w1);
          from += by;
          u = v128.xor(v128.load(tap(from, start, span, padding)), flip);
          const p3 = bytes_low(v, u);
          b0 = dot(b0, zip_low(p1, p3), w0);
          b1 = dot(b1, zip_high(p1, p3), w1);
          from += by;
          v = v128.xor(v128.load(tap(from, start, span, padding)), flip);
          p0 = bytes_low(u, v);
          c0 = dot(c0, zip_low(p2, p0), w0);
          c1 = dot(c1, zip_high(p2, p0), w1);
          from += by;
          u = v128.xor(v128.load(tap(from, start, span, padding)), flip);
          p1 = bytes_low(v, u);
          d0 = dot(d0, zip_low(p3, p1), w0);
          d1 = dot(d1, zip_high(p3, p1), w1);
          at += 32;
        }
      } else {
        let u = v128.load_ext<i8>(tap(from, start, span, padding));
        from += by;
        let v = v128.load_ext<i8>(tap(from, start, span, padding));
        let l0 = zip_low(u, v);
        let h0 = zip_high(u, v);
        from += by;
        u = v128.load_ext<i8>(tap(from, start, span, padding));
        let l1 = zip_low(v, u);
        let h1 = zip_high(v, u);
        for (let k = p.kernel_t; k > 0; k -= 2) {
          from += by;
          v = v128.load_ext<i8>(tap(from, start, span, padding));
          from += by;
          let w = v128.load(at);
          a0 = mac(a0, l0, w);
          b0 = mac(b0, l1, w);
          l0 = zip_low(u, v);
          c0 = mac(c0, l0, w);
          const n = v128.load_ext<i8>(tap(from, start, span, padding));
          l1 = zip_low(v, n);
          d0 = mac(d0, l1, w);
          w = v128.load(at, 16);
          a1 = mac(a1, h0, w);
          b1 = mac(b1, h1, w);
          h0 = zip_high(u, v);
          c1 = mac(c1, h0, w);
          u = n;
          h1 = zip_high(v, u);
          d1 = mac(d1, h1, w);
          at += 32;
        }
      }
      if (FEATURES) f += p.dilation_f;
    }
    const scale = p.multiplier + table;
    const s0 = v128.load(scale);
    const s1 = v128.load(scale, 16);
    const offset = p.shift + table;
    const o0 = v128.load(offset);
    const o1 = v128.load(offset, 16);
    const less = below ? below + table : 0;
    const left = y_c - o;
    let to = y + o;
    let words = magic;
    for (let i: i32 = 0; i < 4; i++) {
      const next = words_of(p, a0, a1, s0, s1, o0, o1, less, magic, zero, exact, 0);
      if (i & 1) {
        // two rows in one register
        const bytes = i8x16.narrow_i16x8_s(words, next);
        if (!ROW_PARTS || left >= 8) {
          v128.store64_lane(to - pitch, bytes, 0);
          v128.store64_lane(to, bytes, 1);
        } else {
          const sums = p.sums;
          v128.store(sums, bytes);
          for (let k: i32 = 0; k < left; k++) {
            store<u8>(to - pitch + k, load<u8>(sums + k));
            store<u8>(to + k, load<u8>(sums + k, 8));
          }
        }
      }
      words = next;
      to += pitch;
      a0 = b0;
      a1 = b1;
      b0 = c0;
      b1 = c1;
      c0 = d0;
      c1 = d1;
    }
    x += 8;
    w += tile;
  }
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
        if (four) row_four(p, y, step * y_f * y_c, from, column, frame, tile);
        else row_one(p, y, from, column, frame, tile);
        y += y_c;
        if (FEATURES) column += p.stride_f;
      }
      t += four ? 4 * step : step;
    }
  }
}
