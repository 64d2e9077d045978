/**
 * Judges versions of a model on labelled windows of a live stream.
 *
 * In: windows with the truth, how each was chosen, and the answer of each version.  Out: per version
 * accuracy, F1 and confusion, or the mean absolute error, with intervals of 95 %; and how many windows were
 * left out, for each reason.
 * Rules: only windows that were drawn at random count, each with weight 1 / inclusion (Hajek's estimate). A
 * window that was also chosen for another reason counts if the draw, which knows of no reason, took it. Other
 * windows were chosen because they are hard or odd, so they say nothing about the share of mistakes.
 * "Nothing of this" is a row of its own in the confusion: every answer of a class to it is wrong.
 * Source: Hajek 1971; intervals.ts.  Cost: bootstrap rounds x (windows + classes), per version.
 */
import { classOf } from '../../models/class-index.ts';
import { metricsOfConfusion } from '../../quant/evaluate/metrics.ts';
import { type Bootstrap, bootstrap, effectiveCount, type Interval, wilson, windowsFor } from './intervals.ts';
import type { Truth } from './labels.ts';
import type { Reason } from './reasons.ts';

export interface LabelledWindow {
  window: string;
  reasons: readonly Reason[];
  /** Probability with which the random draw took this window, above 0 to 1. Read for `random` only. */
  inclusion: number;
  /** Undefined as long as no annotator was sure, or they differ. */
  truth?: Truth;
  /** Answer of each version: index of a class, or a value. Versions without an answer are absent. */
  answers: Readonly<Record<string, number>>;
}

export interface Estimate {
  value: number;
  /** Interval of 95 %; undefined if it cannot be computed. */
  interval?: Interval;
}

/** Numbers of windows that did not count, by reason. */
export interface LeftOut {
  /** Not chosen at random. */
  notRandom: number;
  /** Drawn at random, but without a truth: not sure, or annotators differ. Many of them bias the estimate. */
  noTruth: number;
  /** With a truth of the other kind: a value for classes, or a class for values. */
  otherKind: number;
  /** Without an answer of this version. */
  noAnswer: number;
}

interface Counted {
  version: string;
  /** Number of windows that counted. */
  windows: number;
  /** Kish's effective number of windows: smaller than `windows` if weights differ. */
  effectiveWindows: number;
  leftOut: LeftOut;
}

export interface ClassJudgement extends Counted {
  accuracy: Estimate;
  macroF1: Estimate;
  f1: (Estimate & { name: string })[];
  /** Weights: [true class][answered class]; the last row is "nothing of this". */
  confusion: number[][];
}

export interface ValueJudgement extends Counted {
  meanAbsoluteError: Estimate;
}

/** The answer of an output: index of a class, or its first value. @param names of the classes, if any */
export const answerOf = (values: ArrayLike<number>, names: readonly string[] | undefined): number =>
  names ? classOf(values, names.length) : (values[0] as number);

interface Case {
  truth: number;
  answer: number;
  weight: number;
}

/** Returns the windows that count for a version. @param truthOf a number, or undefined for the other kind. */
export function casesOf(
  windows: readonly LabelledWindow[],
  version: string,
  truthOf: (truth: Truth) => number | undefined,
): { cases: Case[]; counted: Counted } {
  const cases: Case[] = [];
  const leftOut: LeftOut = { notRandom: 0, noTruth: 0, otherKind: 0, noAnswer: 0 };
  for (const { reasons, inclusion, truth, answers } of windows) {
    const wanted = truth && truthOf(truth);
    const answer = Object.hasOwn(answers, version) ? answers[version] : undefined;
    if (!reasons.includes('random') || !(inclusion > 0 && inclusion <= 1)) leftOut.notRandom++;
    else if (truth === undefined) leftOut.noTruth++;
    else if (wanted === undefined) leftOut.otherKind++;
    else if (answer === undefined || Number.isNaN(answer)) leftOut.noAnswer++;
    else cases.push({ truth: wanted, answer, weight: 1 / inclusion });
  }
  const effectiveWindows = effectiveCount(cases.map(({ weight }) => weight));
  return { cases, counted: { version, windows: cases.length, effectiveWindows, leftOut } };
}

/** Returns the weighted confusion: [true class, last "nothing of this"][answered class]. */
function confusionOf(cases: readonly Case[], classes: number): number[][] {
  const confusion = Array.from({ length: classes + 1 }, () => new Array<number>(classes).fill(0));
  for (const { truth, answer, weight } of cases) {
    const row = confusion[truth] as number[];
    row[answer] = (row[answer] as number) + weight;
  }
  return confusion;
}

/**
 * Returns the mean F1 of the classes that some case has or answers, then the F1 of each class; NaN for
 * others. Cost: cases + classes; a confusion would cost classes^2 in each round of a bootstrap.
 * @param times how often each case counts
 */
function f1Of(cases: readonly Case[], classes: number, times: Uint32Array): number[] {
  const hits = new Float64Array(classes);
  const counts = new Float64Array(classes + 1); // cases of a class, and answers of it
  for (let i = 0; i < cases.length; i++) {
    const { truth, answer, weight } = cases[i] as Case;
    const w = weight * (times[i] as number);
    counts[truth] = (counts[truth] as number) + w;
    counts[answer] = (counts[answer] as number) + w;
    if (truth === answer) hits[truth] = (hits[truth] as number) + w;
  }
  const each = Array.from(hits, (hit, c) => (2 * hit) / (counts[c] as number));
  const seen = each.filter((f1) => !Number.isNaN(f1));
  return [seen.reduce((sum, f1) => sum + f1, 0) / seen.length, ...each];
}

/** Judges one version of a classifier. Answers and truths outside `names` count as no answer and no truth. */
export function judgeClasses(
  windows: readonly LabelledWindow[],
  version: string,
  names: readonly string[],
  options: Bootstrap = {},
): ClassJudgement {
  const isClass = (n: number) => Number.isInteger(n) && n >= 0 && n < names.length;
  const found = casesOf(windows, version, (truth) => {
    if (truth.kind === 'nothing') return names.length;
    return truth.kind === 'class' && isClass(truth.class) ? truth.class : undefined;
  });
  const cases = found.cases.filter(({ answer }) => isClass(answer));
  found.counted.leftOut.noAnswer += found.cases.length - cases.length;
  const effectiveWindows = effectiveCount(cases.map(({ weight }) => weight));
  const metrics = metricsOfConfusion(confusionOf(cases, names.length), names);
  const [macro, ...each] = bootstrap(cases.length, (times) => f1Of(cases, names.length, times), options);
  const { accuracy, macroF1, confusion } = metrics;
  return {
    ...found.counted,
    windows: cases.length,
    effectiveWindows,
    accuracy: { value: accuracy, interval: wilson(accuracy, effectiveWindows) },
    macroF1: { value: macroF1, ...(macro && { interval: macro }) },
    f1: metrics.classes.map(({ name, f1 }, c) => ({ name, value: f1, ...(each[c] && { interval: each[c] }) })),
    confusion,
  };
}

/** Judges one version of a model that answers with values. "Nothing of this" is no value and is left out. */
export function judgeValues(windows: readonly LabelledWindow[], version: string, options: Bootstrap = {}): ValueJudgement {
  const { cases, counted } = casesOf(windows, version, (truth) => (truth.kind === 'value' ? truth.value : undefined));
  const error = (times?: Uint32Array): number => {
    let [sum, weights] = [0, 0];
    for (const [i, { truth, answer, weight }] of cases.entries()) {
      sum += weight * (times?.[i] ?? 1) * Math.abs(answer - truth);
      weights += weight * (times?.[i] ?? 1);
    }
    return sum / weights;
  };
  const [interval] = bootstrap(cases.length, (times) => [error(times)], options);
  return { ...counted, meanAbsoluteError: { value: error(), ...(interval && { interval }) } };
}

/**
 * Whether an accuracy is too low. `too few`: with so few windows even a version without a mistake would have
 * a lower bound under the level, so nothing is said yet. `needed` is the number of windows that can tell.
 */
export function accuracyAlarm(
  { accuracy, effectiveWindows }: ClassJudgement,
  level: number,
): { state: 'too few' | 'above' | 'under'; needed: number } {
  const needed = windowsFor(level);
  if (effectiveWindows < needed) return { state: 'too few', needed };
  return { state: (accuracy.interval as Interval).low < level ? 'under' : 'above', needed };
}
