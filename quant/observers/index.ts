/**
 * Observers by name.  In: a kind and its parameters.  Out: a new observer.
 */
import { Entropy } from './entropy.ts';
import { MinMax } from './minmax.ts';
import { MovingAverage } from './moving-average.ts';
import { MeanSquaredError } from './mse.ts';
import type { Observer, ObserverKind } from './observer.ts';
import { Percentile } from './percentile.ts';

export { type Observer, type ObserverKind, observerKinds } from './observer.ts';

/** @param percentile percentage of values covered, only for `percentile`  @param gains [c], only for `mse` */
export function makeObserver(kind: ObserverKind, percentile = 99.99, gains?: Float64Array): Observer {
  if (kind === 'moving-average') return new MovingAverage();
  if (kind === 'percentile') return new Percentile(percentile);
  if (kind === 'entropy') return new Entropy();
  if (kind === 'mse') return new MeanSquaredError(gains);
  return new MinMax();
}
