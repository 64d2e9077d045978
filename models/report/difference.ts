/**
 * Differences between two runs, summed up value by value.
 *
 * In: values of the reference and of what is compared, window after window.  Out: NRMSE (a share of the
 * reference's range) and the largest difference.  Source: StreamiNNC section 3.2 (NRMSE; of an output the
 * mean over its units, each with a range of its own).
 */
import { frameOf, type Shape } from '../graph/types.ts';

export class Difference {
  private squares = 0;
  private count = 0;
  private low = Number.POSITIVE_INFINITY;
  private high = Number.NEGATIVE_INFINITY;
  max = 0;
  /** Largest difference by row of the window, where rows were given. */
  readonly byRow: number[] = [];

  one(want: number, got: number): void {
    const d = Math.abs(want - got);
    this.squares += d * d;
    this.count++;
    this.low = Math.min(this.low, want);
    this.high = Math.max(this.high, want);
    this.max = Math.max(this.max, d);
  }

  /** `frame` values are one row. */
  add(want: ArrayLike<number>, got: ArrayLike<number>, frame: number): void {
    for (let i = 0; i < want.length; i++) {
      const [x, y] = [want[i] as number, got[i] as number];
      this.one(x, y);
      const row = Math.floor(i / frame);
      this.byRow[row] = Math.max(this.byRow[row] ?? 0, Math.abs(x - y));
    }
  }

  /** 0 where nothing differs; infinite where a constant does. */
  get nrmse(): number {
    return this.squares === 0 ? 0 : Math.sqrt(this.squares / this.count) / (this.high - this.low);
  }
}

/** An output: a Difference for each of its units (places of a frame, over all rows). */
export class Differences {
  private readonly units: Difference[] = [];

  add(want: ArrayLike<number>, got: ArrayLike<number>, shape: Shape): void {
    const frame = frameOf(shape);
    for (let i = 0; i < want.length; i++) {
      const unit = this.units[i % frame] ?? new Difference();
      this.units[i % frame] = unit;
      unit.one(want[i] as number, got[i] as number);
    }
  }

  get nrmse(): number {
    return this.units.length === 0 ? 0 : this.units.reduce((sum, u) => sum + u.nrmse, 0) / this.units.length;
  }

  get max(): number {
    return this.units.reduce((m, u) => Math.max(m, u.max), 0);
  }
}
