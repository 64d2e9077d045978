/**
 * Difference: accumulates the differences between two runs.
 *
 * In: values of the reference and of the compared run, window after window.  Out: NRMSE (a share of the
 * reference's range) and the largest difference.  Source: StreamiNNC section 3.2 (NRMSE; for an output the
 * mean over its units, each with its own range).
 */
import { frameOf, type Shape } from '../graph/types.ts';

export class Difference {
  private squares = 0;
  private count = 0;
  private low = Number.POSITIVE_INFINITY;
  private high = Number.NEGATIVE_INFINITY;
  max = 0;
  /** Largest difference in each row of the window; only `add` fills it. */
  readonly byRow: number[] = [];

  one(want: number, got: number): void {
    const d = Math.abs(want - got);
    this.squares += d * d;
    this.count++;
    this.low = Math.min(this.low, want);
    this.high = Math.max(this.high, want);
    this.max = Math.max(this.max, d);
  }

  /** Adds a window. @param frame number of values in a row */
  add(want: ArrayLike<number>, got: ArrayLike<number>, frame: number): void {
    for (let i = 0; i < want.length; i++) {
      const [x, y] = [want[i] as number, got[i] as number];
      this.one(x, y);
      const row = Math.floor(i / frame);
      this.byRow[row] = Math.max(this.byRow[row] ?? 0, Math.abs(x - y));
    }
  }

  /** NRMSE: 0 if nothing differs, infinite if a constant reference differs. */
  get nrmse(): number {
    return this.squares === 0 ? 0 : Math.sqrt(this.squares / this.count) / (this.high - this.low);
  }
}

/** Differences of an output: one Difference for each element of a frame, over all rows. */
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
