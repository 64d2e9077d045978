/**
 * Random orders.
 */

/** Returns 0 to n - 1 in random order (Fisher and Yates). */
export function shuffled(n: number, draw: () => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
