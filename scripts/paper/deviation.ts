/**
 * The paper's measure, NRMSE = sqrt(mean((y - y')^2)) / (max y - min y) (StreamiNNC section 3.2, where the
 * printed formula lacks the minus sign).
 *
 * In: pairs of reference and value, window by window.  Out: NRMSE over all windows in percent; medians over
 * seeds as text.
 */
import { quantile } from '../../host/statistics.ts';
import type { Rows } from './trunk.ts';

/** NRMSE over all windows and all elements. */
export class Nrmse {
  private squares = 0;
  private count = 0;
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;

  add(reference: ArrayLike<number>, value: ArrayLike<number>): void {
    if (reference.length !== value.length) throw new Error(`${reference.length} elements against ${value.length}`);
    for (let i = 0; i < reference.length; i++) {
      const y = reference[i] as number;
      this.squares += (y - (value[i] as number)) ** 2;
      this.min = Math.min(this.min, y);
      this.max = Math.max(this.max, y);
    }
    this.count += reference.length;
  }

  get percent(): number {
    return (100 * Math.sqrt(this.squares / this.count)) / (this.max - this.min);
  }
}

/** NRMSE of each unit of the network's output, and of its whole embedding. */
export class Deviation {
  private readonly units: Nrmse[] = [];
  private readonly whole = new Nrmse();
  private readonly head: (embedding: Rows) => Float32Array;

  constructor(head: (embedding: Rows) => Float32Array) {
    this.head = head;
  }

  add(reference: Rows, value: Rows): void {
    this.whole.add(reference.data, value.data);
    const [y, other] = [this.head(reference), this.head(value)];
    y.forEach((unit, i) => {
      this.units[i] ??= new Nrmse();
      this.units[i].add([unit], [other[i] as number]);
    });
  }

  /** Mean over the units. */
  get output(): number {
    return this.units.reduce((sum, unit) => sum + unit.percent, 0) / this.units.length;
  }

  get embedding(): number {
    return this.whole.percent;
  }
}

const short = (value: number): string => (value === 0 ? '0' : value >= 100 ? value.toFixed(0) : value.toPrecision(3));

export const median = (values: number[]): number => quantile(values, 0.5);

/** `7.19 [5.55..12.7] %`; `0 %` only where every seed gives 0 exactly. */
export const overSeeds = (values: number[]): string =>
  values.every((v) => v === 0)
    ? '0 %'
    : `${short(median(values))} [${short(Math.min(...values))}..${short(Math.max(...values))}] %`;
