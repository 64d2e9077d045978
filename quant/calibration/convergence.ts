/**
 * Convergence of ranges: after how many windows the range of each tensor stayed constant.
 *
 * In: an observer's range at 16 evenly spaced checkpoints of the calibration signal.  Out: the number of
 * windows after which both ends of the range stayed within 1 % of the final width from their final values.
 * Windows chosen from a long signal come in random order; those of a whole signal in recording order.
 */
import { maxOf } from '../../models/lists.ts';
import type { Observer } from '../observers/observer.ts';

export const checkpoints = 16;
const tolerance = 0.01;

/** Passes values to an observer and records its range at the checkpoints. */
export class Watched {
  private readonly ranges: [number, number][] = [];
  private calls = 0;
  readonly observer: Observer;
  private readonly frame: number;

  constructor(observer: Observer, frame: number) {
    [this.observer, this.frame] = [observer, frame];
  }

  /** @param visits approximate number of calls for the whole signal */
  observe(values: Float32Array, visits: number): void {
    const slices = Math.max(1, Math.ceil(checkpoints / visits));
    const frames = values.length / this.frame;
    for (let s = 0; s < slices; s++) {
      const from = Math.floor((s * frames) / slices) * this.frame;
      const to = Math.floor(((s + 1) * frames) / slices) * this.frame;
      if (to > from) this.observer.observe(values.subarray(from, to));
      const share = (this.calls + (s + 1) / slices) / visits;
      while (this.ranges.length < checkpoints - 1 && share >= (this.ranges.length + 1) / checkpoints - 1e-9)
        this.ranges.push(this.observer.range());
    }
    this.calls++;
  }

  /** Returns the number of checkpoints after which the range stayed within 1 %, 1 to 16. */
  settledAt(): number {
    const [low, high] = this.observer.range();
    const allowed = tolerance * (high - low);
    let at = this.ranges.length;
    while (at > 0) {
      const [l, h] = this.ranges[at - 1] as [number, number];
      if (Math.abs(l - low) > allowed || Math.abs(h - high) > allowed) break;
      at--;
    }
    return Math.min(at + 1, checkpoints);
  }
}

export interface Convergence {
  windows: number;
  /** By tensor id: number of windows after which its range stayed within 1 %. */
  settledAfter: Map<number, number>;
  /** Largest value of `settledAfter`. */
  allAfter: number;
  /** Tensors whose range still moved in the last quarter of the windows. */
  unsettled: number[];
}

export function convergenceOf(watched: ReadonlyMap<number, Watched>, windows: number): Convergence {
  const settledAfter = new Map<number, number>();
  const unsettled: number[] = [];
  for (const [id, of] of watched) {
    const at = of.settledAt();
    settledAfter.set(id, Math.min(windows, Math.ceil((at * windows) / checkpoints)));
    if (at > (3 * checkpoints) / 4) unsettled.push(id);
  }
  return { windows, settledAfter, allAfter: Math.max(0, maxOf(settledAfter.values())), unsettled };
}
