/**
 * The envelope of a signal as it comes: least and greatest sample of every bucket.
 *
 * In: samples in pieces of any length.  Out: pairs (least, greatest) of the buckets that ended in this piece.
 */
/** 400 buckets a second, or one a sample. */
export const bucketSamples = (rateHz: number): number => Math.max(1, Math.round(rateHz / 400));

export class Waves {
  #bucket: number;
  #filled = 0;
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;

  /** @param bucket samples in a bucket. */
  constructor(bucket: number) {
    this.#bucket = bucket;
  }

  push(samples: Float32Array): Float32Array {
    const pairs = new Float32Array(2 * Math.floor((this.#filled + samples.length) / this.#bucket));
    let at = 0;
    for (const sample of samples) {
      if (sample < this.#least) this.#least = sample;
      if (sample > this.#greatest) this.#greatest = sample;
      if (++this.#filled < this.#bucket) continue;
      pairs[at++] = this.#least;
      pairs[at++] = this.#greatest;
      this.#filled = 0;
      this.#least = Number.POSITIVE_INFINITY;
      this.#greatest = Number.NEGATIVE_INFINITY;
    }
    return pairs;
  }
}
