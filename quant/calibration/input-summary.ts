/**
 * InputSummary: running statistics of every element of an input's frames, over a signal of any length.
 *
 * In: blocks of whole frames [frames][elements].  Out: extremes, mean, deviation, and how many values at an
 * extreme follow an equal value (a saturated converter stays at its limit).  Cost: 56 bytes an element.
 * Source of the running mean and variance: Welford 1962, in blocks (Chan, Golub and LeVeque 1979).
 */
export class InputSummary {
  readonly elements: number;
  frames = 0;
  readonly low: Float64Array; // [element]
  readonly high: Float64Array;
  readonly mean: Float64Array;
  private readonly squares: Float64Array;
  /** Number of values at the lower extreme that follow an equal value; `heldHigh` likewise. */
  readonly heldLow: Float64Array;
  readonly heldHigh: Float64Array;
  private readonly last: Float64Array;

  constructor(elements: number) {
    this.elements = elements;
    const zeros = () => new Float64Array(elements);
    this.low = zeros().fill(Number.POSITIVE_INFINITY);
    this.high = zeros().fill(Number.NEGATIVE_INFINITY);
    [this.mean, this.squares, this.heldLow, this.heldHigh] = [zeros(), zeros(), zeros(), zeros()];
    this.last = zeros().fill(Number.NaN);
  }

  /** Adds a block up to its first value that is not finite. @returns the index of that value, or -1 */
  add(values: Float32Array): number {
    const { elements, low, high, mean, squares, heldLow, heldHigh, last } = this;
    for (let at = 0; at < values.length; at += elements) {
      this.frames++;
      for (let e = 0; e < elements; e++) {
        const v = values[at + e] as number;
        if (!Number.isFinite(v)) return at + e;
        const delta = v - (mean[e] as number);
        mean[e] = (mean[e] as number) + delta / this.frames;
        squares[e] = (squares[e] as number) + delta * (v - (mean[e] as number));
        if (v < (low[e] as number)) [low[e], heldLow[e]] = [v, 0];
        else if (v === low[e] && v === last[e]) heldLow[e] = (heldLow[e] as number) + 1;
        if (v > (high[e] as number)) [high[e], heldHigh[e]] = [v, 0];
        else if (v === high[e] && v === last[e]) heldHigh[e] = (heldHigh[e] as number) + 1;
        last[e] = v;
      }
    }
    return -1;
  }

  deviation(e: number): number {
    return Math.sqrt(Math.max(0, this.squares[e] as number) / Math.max(1, this.frames));
  }
  rms(e: number): number {
    return Math.hypot(this.mean[e] as number, this.deviation(e));
  }
  isConstant(e: number): boolean {
    return this.low[e] === this.high[e];
  }
  /** Share of frames that repeat an extreme: the larger of both ends. */
  heldShare(e: number): number {
    return this.isConstant(e) ? 0 : Math.max(this.heldLow[e] as number, this.heldHigh[e] as number) / Math.max(1, this.frames);
  }
}
