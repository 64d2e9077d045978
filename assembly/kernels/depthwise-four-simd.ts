/**
 * Four output rows of depthwise with SIMD128: two taps per multiplication.
 *
 * In, Out, weights: as depthwise-simd.ts.
 */
import { finish_four, is_inside, tap, zip_high, zip_low } from "./depthwise-taps-simd";
import { SimdBlock, below_of, is_exact, mac } from "./mac-simd";
import { DILATIONS, EDGES, FEATURES } from "./needs";

/**
 * Computes four output rows of a feature. Their first taps are row t and the rows `next` bytes further, as
 * far apart as taps. Taps are interleaved in registers.
 */
export function row_four(p: SimdBlock, y: usize, pitch: i32, t: i32, column: i32, frame: i32, tile: i32): void {
  const next = DILATIONS ? p.dilation_t * frame : frame;
  const padding = EDGES ? p.patch : 0;
  const span = EDGES ? <usize>((p.x_rows - 1) * frame) : 0;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  const y_c = p.y_c;
  const exact = is_exact(p);
  const below = below_of(p);
  const magic = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("magic"));
  const zero = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("y_zero"));
  let w = p.weights;
  let x = p.x;
  for (let o: i32 = 0; o < y_c; o += 8) {
    const table = <usize>(o << 2);
    const bias = p.bias + table;
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
      if (FEATURES) f += p.dilation_f;
    }
    finish_four(p, y + o, pitch, table, y_c - o, a0, a1, b0, b1, c0, c1, d0, d1, magic, zero, exact, below);
    x += 8;
    w += tile;
  }
}
