/**
 * Meters: the features of one block of a channel, and the histogram of one block of an output.
 *
 * In: values, frame after frame.  Out, per block: `features` numbers, and counts per bin.
 * Rules: features in logarithms have differences that are ratios, so a gain moves them by the same number
 * everywhere. Steps are taken between neighbouring frames only; `cut` says that frames are missing.
 * Memory: 2.5 KiB per channel.  Cost: about 25 operations per value.
 */
import { draws } from '../../../models/xorshift.ts';
import { binOf, edgesOf, Sample } from './histogram.ts';

/**
 * mean; scale: log of the standard deviation; floor: log of the 20 % quantile of the second differences: the
 * noise of quiet stretches; rough: log of the energy of first differences over the variance, which
 * is 2 (1 - lag-1 autocorrelation); slope: log of the energy of second over that of first differences, the
 * slope of the spectrum; crossings: log of the share of frames that cross the mean of the block before; ends:
 * share of values equal to the smallest or largest one; flat: share of values equal to the one before; skew:
 * third moment over the cube of the standard deviation; link: correlation with the next channel of the same
 * input.
 */
export const features = ['mean', 'scale', 'floor', 'rough', 'slope', 'crossings', 'ends', 'flat', 'skew', 'link'] as const;
export type Feature = (typeof features)[number];
export const at = Object.fromEntries(features.map((name, i) => [name, i])) as Record<Feature, number>;

/** A histogram that takes its edges from a sample of the first blocks. */
export class HistogramMeter {
  edges?: Float64Array;
  counts = new Uint32Array(0); // [bin]
  #sample?: Sample;

  constructor(edges?: ArrayLike<number>) {
    if (edges) this.#begin(Float64Array.from(edges));
    else this.#sample = new Sample(draws(1));
  }

  #begin(edges: Float64Array): void {
    this.edges = edges;
    this.counts = new Uint32Array(edges.length + 1);
    this.#sample = undefined;
  }

  see(value: number): void {
    if (this.#sample) {
      this.#sample.see(value);
      return;
    }
    const bin = binOf(this.edges as Float64Array, value);
    this.counts[bin] = (this.counts[bin] as number) + 1;
  }

  /** Takes the edges from the values so far. */
  settle(): void {
    if (this.#sample) this.#begin(Float64Array.from(edgesOf(this.#sample.values)));
  }

  /** Returns the counts of the block, and begins the next one. */
  take(): Uint32Array {
    const { counts } = this;
    this.counts = new Uint32Array(counts.length);
    return counts;
  }
}

/** Bins of the second differences: quarters of an octave from 2^-48 to 2^24. */
const [floorBins, floorLowest, floorShare] = [288, -48, 0.2];
/** Keeps logarithms and quotients of a constant channel finite. */
const tiny = 1e-30;

export class ChannelMeter {
  readonly histogram: HistogramMeter;
  /** Mean of the block before. */
  centre: number;
  /** Number of values in the block. */
  count = 0;
  #sum = 0;
  #squares = 0;
  #cubes = 0;
  #firsts = 0;
  #seconds = 0;
  #steps = 0;
  #crossings = 0;
  #equal = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;
  #atLeast = 0;
  #atMost = 0;
  #link = 0;
  #linkSum = 0;
  #linkSquares = 0;
  #floor = new Uint32Array(floorBins); // [quarter octave]
  #before = Number.NaN;
  #twoBefore = Number.NaN;

  constructor(edges?: ArrayLike<number>, centre = 0) {
    this.histogram = new HistogramMeter(edges);
    this.centre = centre;
  }

  /** The next frame does not follow the last one. */
  cut(): void {
    this.#before = this.#twoBefore = Number.NaN;
  }

  /** Takes a value, and that of the next channel in the same frame. */
  see(value: number, beside: number): void {
    const { centre } = this;
    const [x, first] = [value - centre, value - this.#before];
    const second = first - (this.#before - this.#twoBefore);
    this.count++;
    this.histogram.see(value);
    this.#sum += x;
    this.#squares += x * x;
    this.#cubes += x * x * x;
    const y = beside - centre;
    this.#link += x * y;
    this.#linkSum += y;
    this.#linkSquares += y * y;
    this.#end(value);
    // both are NaN after a cut
    if (!Number.isNaN(first)) {
      this.#steps++;
      this.#firsts += first * first;
      if (first === 0) this.#equal++;
      if (x < 0 !== this.#before < centre) this.#crossings++;
    }
    if (!Number.isNaN(second)) {
      this.#seconds += second * second;
      const bin = Math.floor(4 * (Math.log2(Math.abs(second)) - floorLowest));
      const place = bin > 0 ? Math.min(bin, floorBins - 1) : 0;
      this.#floor[place] = (this.#floor[place] as number) + 1;
    }
    this.#twoBefore = this.#before;
    this.#before = value;
  }

  #end(value: number): void {
    if (value === this.#least) this.#atLeast++;
    if (value === this.#most) this.#atMost++;
    if (value < this.#least) [this.#least, this.#atLeast] = [value, 1];
    if (value > this.#most) [this.#most, this.#atMost] = [value, 1];
  }

  #floorLog(): number {
    const all = this.#floor.reduce((sum, n) => sum + n, 0);
    let left = floorShare * all;
    for (let bin = 0; bin < floorBins; bin++) {
      const here = this.#floor[bin] as number;
      if (left < here) return (((bin === 0 ? 0 : left / here) + bin) / 4 + floorLowest) * Math.LN2;
      left -= here;
    }
    return floorLowest * Math.LN2;
  }

  /** Returns the features of the block, and begins the next one. Undefined without values. */
  take(): Float64Array | undefined {
    const n = this.count;
    if (n === 0) return undefined;
    const [shift, steps] = [this.#sum / n, Math.max(1, this.#steps)];
    const variance = Math.max(0, this.#squares / n - shift * shift);
    const third = this.#cubes / n - shift * (3 * variance + shift * shift);
    const beside = Math.max(0, this.#linkSquares / n - (this.#linkSum / n) ** 2);
    const [first, second] = [this.#firsts / steps, this.#seconds / steps];
    const ends = this.#least === this.#most ? 1 : (this.#atLeast + this.#atMost) / n;
    const found = Float64Array.of(
      this.centre + shift,
      0.5 * Math.log(variance + tiny),
      this.#floorLog(),
      Math.log((first + tiny) / (variance + tiny)),
      Math.log((second + tiny) / (first + tiny)),
      Math.log((this.#crossings + 1) / (steps + 1)),
      ends,
      this.#equal / steps,
      third / (variance ** 1.5 + tiny),
      (this.#link / n - (shift * this.#linkSum) / n) / (Math.sqrt(variance * beside) + tiny),
    );
    // an infinite value spoils its block only
    this.#clear(Number.isFinite(shift) ? this.centre + shift : this.centre);
    return found;
  }

  #clear(centre: number): void {
    this.centre = centre;
    this.count = this.#sum = this.#squares = this.#cubes = this.#firsts = this.#seconds = this.#steps = 0;
    this.#crossings = this.#equal = this.#atLeast = this.#atMost = 0;
    this.#link = this.#linkSum = this.#linkSquares = 0;
    this.#least = Number.POSITIVE_INFINITY;
    this.#most = Number.NEGATIVE_INFINITY;
    this.#floor.fill(0);
  }
}
