/**
 * Calibration of a classifier's scores: does a score of 0.8 mean that 80 % of such answers are right?
 *
 * In: scores of windows (probabilities, one per class), true classes, weights.  Out: reliability curve,
 * expected calibration error, temperature of the largest likelihood.
 * Rules: the curve has bins of equal width over the score of the answer. The error is the mean distance of
 * score and accuracy over the bins. A temperature T turns probabilities p into p^(1/T), divided by their sum.
 * The likelihood's logarithm is concave in 1/T, so its derivative is bisected. An int8 score of 0 is taken
 * as half a step.
 * Source: Guo et al. 2017, "On calibration of modern neural networks".  Cost: 60 x windows x classes.
 * Exact to 1e-9 of log T.
 */
import { classOf } from '../../models/class-index.ts';
import { effectiveCount, type Interval, wilson } from './intervals.ts';

export interface Scored {
  /** Probability of each class. */
  scores: ArrayLike<number>;
  /** Index of the true class. */
  truth: number;
  /** 1 / inclusion. Default: 1. */
  weight?: number;
}

export interface Bin {
  /** Bounds of the score, above `from` up to `to`. */
  from: number;
  to: number;
  windows: number;
  /** Weighted means; NaN without windows. */
  score: number;
  accuracy: number;
  interval: Interval;
}

export interface Reliability {
  bins: Bin[];
  expectedCalibrationError: number;
}

/**
 * Default of the smallest probability: half a step of an int8 score with scale 1/256, as TensorFlow Lite's
 * softmax has it. Scores in float have smaller ones.
 */
const int8Floor = 1 / 512;

/** Range of the temperature. A choice: outside it, scores are all alike or all 0 and 1. */
const [minTemperature, maxTemperature] = [1 / 32, 32];
const halvings = 60;

/** Reliability curve of the scores of the answers. @param count number of bins. Default: 10. */
export function reliability(windows: readonly Scored[], count = 10): Reliability {
  const members = Array.from({ length: count }, () => [] as { score: number; right: number; weight: number }[]);
  let all = 0;
  for (const { scores, truth, weight = 1 } of windows) {
    const answer = classOf(scores, scores.length);
    const score = scores[answer] as number;
    let bin = Math.min(count - 1, Math.max(0, Math.ceil(score * count) - 1));
    if (bin > 0 && score <= bin / count) bin--; // the product may be rounded up
    (members[bin] as (typeof members)[number]).push({ score, right: answer === truth ? 1 : 0, weight });
    all += weight;
  }
  const bins = members.map((list, i): Bin & { weight: number } => {
    let [weight, scores, hits] = [0, 0, 0];
    for (const one of list) {
      weight += one.weight;
      scores += one.weight * one.score;
      hits += one.weight * one.right;
    }
    const effective = effectiveCount(list.map((one) => one.weight));
    const [score, accuracy] = [scores / weight, hits / weight];
    const interval = wilson(list.length > 0 ? accuracy : 0, effective);
    return { from: i / count, to: (i + 1) / count, windows: list.length, score, accuracy, interval, weight };
  });
  const error = bins.reduce((sum, b) => sum + (b.windows > 0 ? b.weight * Math.abs(b.score - b.accuracy) : 0), 0);
  return { bins: bins.map(({ weight: _, ...bin }) => bin), expectedCalibrationError: error / all };
}

/** Returns probabilities at another temperature. @param floor smallest probability of a score. */
export function atTemperature(scores: ArrayLike<number>, temperature: number, floor = int8Floor): Float64Array {
  const logs = Float64Array.from(scores, (p) => Math.log(Math.max(floor, p)) / temperature);
  const largest = logs.reduce((a, b) => Math.max(a, b));
  const powers = logs.map((l) => Math.exp(l - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

/** Mean negative logarithm of the true class's probability at a temperature. */
export function logLoss(windows: readonly Scored[], temperature = 1, floor = int8Floor): number {
  let [sum, weights] = [0, 0];
  for (const { scores, truth, weight = 1 } of windows) {
    sum -= weight * Math.log(atTemperature(scores, temperature, floor)[truth] as number);
    weights += weight;
  }
  return sum / weights;
}

/** Derivative of the loss with respect to 1/T: mean of (expected log score - log score of the truth). */
function slope(windows: readonly Scored[], temperature: number, floor: number): number {
  let sum = 0;
  for (const { scores, truth, weight = 1 } of windows) {
    const at = atTemperature(scores, temperature, floor);
    const log = (c: number) => Math.log(Math.max(floor, scores[c] as number));
    for (let c = 0; c < at.length; c++) sum += weight * (at[c] as number) * log(c);
    sum -= weight * log(truth);
  }
  return sum;
}

export interface Temperature {
  temperature: number;
  /** True if the largest likelihood is at the end of the range, for example if no answer is wrong. */
  atBound: boolean;
  lossBefore: number;
  lossAfter: number;
}

/** Finds the temperature of the largest likelihood, 1/32 to 32; undefined without windows. */
export function fitTemperature(windows: readonly Scored[], floor = int8Floor): Temperature | undefined {
  if (windows.length === 0) return undefined;
  let [low, high] = [Math.log(minTemperature), Math.log(maxTemperature)];
  // the slope falls with T: above 0 the best temperature is higher
  for (let i = 0; i < halvings; i++) {
    const middle = (low + high) / 2;
    if (slope(windows, Math.exp(middle), floor) > 0) low = middle;
    else high = middle;
  }
  const temperature = Math.exp((low + high) / 2);
  const atBound = Math.min(temperature / minTemperature, maxTemperature / temperature) < 1 + 1e-9;
  return { temperature, atBound, lossBefore: logLoss(windows, 1, floor), lossAfter: logLoss(windows, temperature, floor) };
}
