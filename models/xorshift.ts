/**
 * xorshift32: reproducible pseudo-random numbers, for self-tests, generated signals and tests.
 *
 * In: a seed other than 0.  Out: a function that returns the next 32 bits, as a signed number. Source:
 * Marsaglia, 2003; shifts 13, 17, 5.
 */
export function xorshift(seed: number): () => number {
  let x = seed | 0;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x;
  };
}

/** The same as uniform numbers in [0, 1). Seed 0 counts as 1. */
export function uniform(seed: number): () => number {
  const next = xorshift(seed | 0 || 1);
  return () => (next() >>> 0) / 2 ** 32;
}
