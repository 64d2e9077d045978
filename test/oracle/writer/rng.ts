/**
 * Reproducible random numbers for models and mutations (mulberry32).
 *
 * In: a seed.  Out: whole numbers, picks, chances.
 */
export class Rng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns a number in [0, 1). */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns a whole number from `low` to `high`, both inclusive. */
  int = (low: number, high: number): number => low + Math.floor(this.unit() * (high - low + 1));
  chance = (p: number): boolean => this.unit() < p;
  pick = <T>(list: readonly T[]): T => list[Math.floor(this.unit() * list.length)] as T;

  shuffled<T>(list: readonly T[]): T[] {
    const all = [...list];
    for (let i = all.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [all[i], all[j]] = [all[j] as T, all[i] as T];
    }
    return all;
  }
}
