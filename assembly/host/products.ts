/**
 * Sums of products of weights and values, two sums per vector (models/products.ts). AssemblyScript, compiled
 * by scripts/generate.ts.
 *
 * In: f64. `row` values at `x`; weights at `w`, as blocks `[i][8]` for each eight sums, then blocks `[i][2]`
 * for each two of the remaining sums.  Out: `outputs` sums at `y`, rounded up to an even number. Each sum
 * adds its products in the order of the row.
 */
export function products(w: usize, row: i32, outputs: i32, x: usize, y: usize): void {
  const end = x + 8 * <usize>row;
  for (; outputs >= 8; outputs -= 8, y += 64) {
    let a = f64x2.splat(0),
      b = a,
      c = a,
      d = a;
    for (let at = x; at < end; at += 8, w += 64) {
      const v = v128.load_splat<f64>(at);
      a = f64x2.add(a, f64x2.mul(v128.load(w), v));
      b = f64x2.add(b, f64x2.mul(v128.load(w, 16), v));
      c = f64x2.add(c, f64x2.mul(v128.load(w, 32), v));
      d = f64x2.add(d, f64x2.mul(v128.load(w, 48), v));
    }
    v128.store(y, a);
    v128.store(y, b, 16);
    v128.store(y, c, 32);
    v128.store(y, d, 48);
  }
  for (; outputs > 0; outputs -= 2, y += 16) {
    let a = f64x2.splat(0);
    for (let at = x; at < end; at += 8, w += 16) a = f64x2.add(a, f64x2.mul(v128.load(w), v128.load_splat<f64>(at)));
    v128.store(y, a);
  }
}
