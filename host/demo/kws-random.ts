/**
 * Reproducible random numbers in [0, 1): xorshift32 (Marsaglia, 2003), as in the self-tests of bundles.
 * In: a seed other than 0.  Out: 32 bits / 2^32.
 */
export function random32(seed: number): () => number {
  let x = seed >>> 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** Returns 0 to n - 1 in random order (Fisher and Yates). */
export function shuffled(n: number, draw: () => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
