/**
 * Measures of quantisation for tests, by the formulas that the methods minimise.
 *
 * In: weights, histograms, plans.  Out: expected errors, and channel statistics of every tensor.
 */

import { viewOf } from '../../models/graph/view.ts';
import { resultOf } from '../../models/lists.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { type CalibrateOptions, visitCalibration } from '../../quant/calibrate.ts';
import type { Calibration } from '../../quant/calibration/signals.ts';
import { ChannelStats } from '../../quant/methods/channel-stats.ts';
import { bins, type Histogram } from '../../quant/observers/histogram.ts';

/** Returns (w' - w)^T C (w' - w): the expected squared error of an output without its mean. */
export function outputError(w: Float64Array, q: Int8Array, covariance: Float64Array, scale: number): number {
  const n = w.length;
  const e = Float64Array.from(w, (v, k) => scale * (q[k] as number) - v);
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) sum += (e[i] as number) * (covariance[i * n + k] as number) * (e[k] as number);
  return sum;
}

/** Returns the sum of squared errors of int8 over [low, high] for a histogram; zeros have no error. */
export function squaredError(histogram: Histogram, low: number, high: number): number {
  const step = (high - low) / 255;
  const inside = (step * step) / 12;
  const width = (2 * histogram.reach) / bins;
  let error = 0;
  for (let i = 0; i < bins; i++) {
    const n = histogram.counts[i] as number;
    if (n === 0) continue;
    const middle = histogram.edge(i) + width / 2;
    const beyond = middle < low ? low - middle : middle > high ? middle - high : 0;
    error += n * (inside + beyond * beyond);
  }
  return error;
}

/** Returns the channel statistics of each tensor. @throws RunletError RN414 */
export function channelStats(plan: StreamPlan, data: Calibration, options: CalibrateOptions = {}): Map<number, ChannelStats> {
  const stats = new Map<number, ChannelStats>();
  const steps = visitCalibration(plan, data, options, (id, values) => {
    const of = stats.get(id) ?? new ChannelStats(viewOf(plan.graph).shape(id).c);
    stats.set(id, of);
    of.observe(values);
  });
  resultOf(steps);
  return stats;
}
