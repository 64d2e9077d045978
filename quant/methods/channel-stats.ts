/**
 * ChannelStats: statistics of each channel of a tensor in calibration.
 *
 * In: blocks of whole frames [t][f][c].  Out: minimum and maximum (0 included), mean and mean square of each
 * channel.
 */
export class ChannelStats {
  readonly low: Float64Array; // [c]
  readonly high: Float64Array; // [c]
  private readonly sum: Float64Array; // [c]
  private readonly squares: Float64Array; // [c]
  /** Number of values per channel. */
  private perChannel = 0;
  readonly channels: number;

  constructor(channels: number) {
    this.channels = channels;
    this.low = new Float64Array(channels);
    this.high = new Float64Array(channels);
    this.sum = new Float64Array(channels);
    this.squares = new Float64Array(channels);
  }

  observe(values: Float32Array): void {
    const { channels, low, high, sum, squares } = this;
    for (let i = 0; i < values.length; i += channels) {
      for (let c = 0; c < channels; c++) {
        const v = values[i + c] as number;
        if (v < (low[c] as number)) low[c] = v;
        if (v > (high[c] as number)) high[c] = v;
        sum[c] = (sum[c] as number) + v;
        squares[c] = (squares[c] as number) + v * v;
      }
    }
    this.perChannel += values.length / channels;
  }

  mean(c: number): number {
    return this.perChannel === 0 ? 0 : (this.sum[c] as number) / this.perChannel;
  }
  meanSquare(c: number): number {
    return this.perChannel === 0 ? 0 : (this.squares[c] as number) / this.perChannel;
  }
  /** Largest absolute value. */
  reach(c: number): number {
    return Math.max(this.high[c] as number, -(this.low[c] as number));
  }
}
