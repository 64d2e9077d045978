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

/**
 * Uniform numbers in [0, 1) for seeds that are counted up: the seed's bits are mixed first. The first numbers
 * of `uniform(1)`, `uniform(2)` and so on are all near 0; those of this function are not.
 *
 * Source: the last step of MurmurHash3 (Appleby), fmix32.
 */
export function draws(seed: number): () => number {
  let x = (seed + 0x9e3779b9) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return uniform(x ^ (x >>> 16));
}
