/**
 * Tally: compares the float values of a tensor with the stored integers.
 *
 * In: float values and their stored integers, [t][f][c].  Out: signal, noise, clipping, shift of the mean per
 * channel, histograms of both. A histogram has a bin for every 1/64 of the stored range (4 steps of int8) and
 * 8 more bins beyond each end; values beyond those count in the outermost bin.
 */
import { type Ints, type QuantParams, storedRange } from '../../models/graph/types.ts';

const inner = 64;
const beyond = 8;
const bins = inner + 2 * beyond;

export interface Histogram {
  /** Real values at the left edge of the first bin and the right edge of the last. */
  from: number;
  to: number;
  /** Real values that int8 holds. */
  low: number;
  high: number;
  float: number[];
  int8: number[];
}

/** sum x^2 over sum (x - y)^2, in dB; Infinity if all values are equal. */
export class Ratio {
  signal = 0;
  noise = 0;
  add(x: ArrayLike<number>, y: (i: number) => number): void {
    for (let i = 0; i < x.length; i++) {
      const v = x[i] as number;
      this.signal += v * v;
      this.noise += (v - y(i)) ** 2;
    }
  }
  get db(): number {
    return this.noise > 0 ? 10 * Math.log10(this.signal / this.noise) : Number.POSITIVE_INFINITY;
  }
}

export class Tally {
  readonly ratio = new Ratio();
  private count = 0;
  private clipped = 0;
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;
  private readonly shift: Float64Array; // [c], sum of errors
  private readonly float = new Array<number>(bins).fill(0);
  private readonly int8 = new Array<number>(bins).fill(0);
  private readonly quant: QuantParams;
  constructor(quant: QuantParams, channels: number) {
    this.quant = quant;
    this.shift = new Float64Array(channels);
  }

  add(float: Float32Array, stored: Ints): void {
    const { scale, zeroPoint } = this.quant;
    const [low, high] = storedRange(this.quant);
    const perBin = (high - low + 1) / inner;
    const channels = this.shift.length;
    const binOf = (step: number) => Math.max(0, Math.min(bins - 1, beyond + Math.floor((step - (low - 0.5)) / perBin)));
    const n = Math.min(float.length, stored.length);
    this.ratio.add(float.subarray(0, n), (i) => scale * ((stored[i] as number) - zeroPoint));
    for (let i = 0; i < n; i++) {
      const x = float[i] as number;
      const q = stored[i] as number;
      const step = x / scale + zeroPoint;
      if (step < low - 0.5 || step > high + 0.5) this.clipped++;
      this.min = Math.min(this.min, x);
      this.max = Math.max(this.max, x);
      this.shift[i % channels] = (this.shift[i % channels] as number) + scale * (q - zeroPoint) - x;
      const [f, k] = [binOf(step), binOf(q)];
      this.float[f] = (this.float[f] as number) + 1;
      this.int8[k] = (this.int8[k] as number) + 1;
    }
    this.count += n;
  }

  get result() {
    const { scale, zeroPoint } = this.quant;
    const [low, high] = storedRange(this.quant);
    const perBin = (high - low + 1) / inner;
    const real = (step: number) => scale * (step - zeroPoint);
    const perChannel = Math.max(1, this.count / this.shift.length);
    const means = [...this.shift].map((sum) => sum / perChannel);
    const histogram: Histogram = {
      from: real(low - 0.5 - beyond * perBin),
      to: real(high + 0.5 + beyond * perBin),
      low: real(low - 0.5),
      high: real(high + 0.5),
      float: this.float,
      int8: this.int8,
    };
    const ofMeans = means.reduce((sum, m) => sum + m * m * perChannel, 0);
    return {
      min: this.min,
      max: this.max,
      clipped: this.clipped / Math.max(1, this.count),
      /** Root mean square of the signal, in steps. */
      signalSteps: Math.sqrt(this.ratio.signal / Math.max(1, this.count)) / scale,
      /** Largest shift of a channel's mean, in steps. */
      biasSteps: means.reduce((max, m) => Math.max(max, Math.abs(m)), 0) / scale,
      /** Share of the noise power that comes from shifts of means, 0 to 1. */
      biasShare: this.ratio.noise > 0 ? Math.min(1, ofMeans / this.ratio.noise) : 0,
      histogram,
    };
  }
}
