/**
 * Four output rows of depthwise with relaxed SIMD: four taps per multiplication.
 *
 * In, Out, weights: as depthwise-simd.ts.
 */
import { finish_four, is_inside, tap, zip_high, zip_low } from "./depthwise-taps-simd";
import { dot, flips, start_of } from "./mac-relaxed";
import { SimdBlock, below_of, bytes_low, is_exact } from "./mac-simd";
import { DILATIONS, EDGES, FEATURES } from "./needs";

/**
 * Computes four output rows of a feature. Their first taps are row t and the rows `next` bytes further, as
 * far apart as taps. Taps are interleaved in registers.
 */
export function row_four_relaxed(p: SimdBlock, y: usize, pitch: i32, t: i32, column: i32, frame: i32, tile: i32): void {
  const next = DILATIONS ? p.dilation_t * frame : frame;
  const padding = EDGES ? p.patch : 0;
  const span = EDGES ? <usize>((p.x_rows - 1) * frame) : 0;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  const y_c = p.y_c;
  const exact = is_exact(p);
  const below = below_of(p);
  const magic = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("magic"));
  const zero = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("y_zero"));
  const flip = flips();
  let w = p.weights;
  let x = p.x;
  for (let o: i32 = 0; o < y_c; o += 8) {
    const table = <usize>(o << 2);
    const bias = start_of(p) + table;
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
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
      if (FEATURES) f += p.dilation_f;
    }
    finish_four(p, y + o, pitch, table, y_c - o, a0, a1, b0, b1, c0, c1, d0, d1, magic, zero, exact, below);
    x += 8;
    w += tile;
  }
}
