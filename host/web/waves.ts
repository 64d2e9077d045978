/**
 * The envelope of a live signal: minimum and maximum of every bucket, per channel.
 *
 * In: whole frames [n][channels] in pieces of any length.  Out: [buckets][channels][2], minimum and maximum
 * of the buckets that this piece completes.
 */
/** Frames per bucket: 400 buckets per second, or one per frame for slower signals. */
export const bucketSamples = (rateHz: number): number => Math.max(1, Math.round(rateHz / 400));

export class Waves {
  readonly channels: number;
  #bucket: number;
  #filled = 0;
  /** Minimum and maximum of the present bucket, [channels][2]. */
  #now: Float32Array;

  /** @param bucket frames per bucket. @param channels values per frame. */
  constructor(bucket: number, channels = 1) {
    this.#bucket = bucket;
    this.channels = channels;
    this.#now = new Float32Array(2 * channels);
    this.#empty();
  }

  #empty(): void {
    this.#filled = 0;
    for (let i = 0; i < this.#now.length; i += 2) {
      this.#now[i] = Number.POSITIVE_INFINITY;
      this.#now[i + 1] = Number.NEGATIVE_INFINITY;
    }
  }

  push(frames: Float32Array): Float32Array {
    const { channels } = this;
    const count = frames.length / channels;
    const pairs = new Float32Array(2 * channels * Math.floor((this.#filled + count) / this.#bucket));
    let at = 0;
    for (let n = 0; n < count; n++) {
      for (let c = 0; c < channels; c++) {
        const sample = frames[n * channels + c] as number;
        if (sample < (this.#now[2 * c] as number)) this.#now[2 * c] = sample;
        if (sample > (this.#now[2 * c + 1] as number)) this.#now[2 * c + 1] = sample;
      }
      if (++this.#filled < this.#bucket) continue;
      pairs.set(this.#now, at);
      at += this.#now.length;
      this.#empty();
    }
    return pairs;
  }
}
