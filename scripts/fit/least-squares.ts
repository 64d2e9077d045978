/**
 * Non-negative least squares: finds x >= 0 with the smallest sum of (a x - b)^2, with a pull towards a first
 * guess.
 *
 * In: rows of a, b, the weight of the pull (for all columns, or for each).  Out: x.  Source: coordinate
 * descent on the normal equations (Franc, Hlavac, Navara 2005).
 * Cost: rows * columns^2 once, then columns^2 per sweep.
 */
export function nonNegative(
  a: readonly (readonly number[])[],
  b: readonly number[],
  pull: number | readonly number[] = 1e-9,
  guess?: readonly number[],
): number[] {
  const n = a[0]?.length ?? 0;
  const h = Array.from({ length: n }, () => new Float64Array(n));
  const f = new Float64Array(n);
  for (const [r, row] of a.entries())
    for (let i = 0; i < n; i++) {
      const v = row[i] as number;
      if (v === 0) continue;
      const hi = h[i] as Float64Array;
      for (let j = 0; j < n; j++) hi[j] = (hi[j] as number) + v * (row[j] as number);
      f[i] = (f[i] as number) + v * (b[r] as number);
    }
  const pullOf = (i: number): number => (typeof pull === 'number' ? pull : (pull[i] ?? 0));
  const x = Array.from({ length: n }, (_, i) => guess?.[i] ?? 0);
  for (let i = 0; i < n; i++) {
    const hi = h[i] as Float64Array;
    hi[i] = (hi[i] as number) + pullOf(i);
    f[i] = (f[i] as number) + pullOf(i) * (guess?.[i] ?? 0);
  }
  for (let sweep = 0; sweep < 20_000; sweep++) {
    let moved = 0;
    for (let i = 0; i < n; i++) {
      const hi = h[i] as Float64Array;
      if ((hi[i] as number) <= 0) continue;
      let gradient = -(f[i] as number);
      for (let j = 0; j < n; j++) gradient += (hi[j] as number) * (x[j] as number);
      const next = Math.max(0, (x[i] as number) - gradient / (hi[i] as number));
      moved = Math.max(moved, Math.abs(next - (x[i] as number)));
      x[i] = next;
    }
    if (moved < 1e-7) break;
  }
  return x;
}
