/**
 * Trials of `npm run eval:select`: mistakes that each way finds within a budget of labels, and how often the
 * interval of the random share covers the true accuracy.
 *
 * In: streams (select-streams.ts), number of seeds, budget.  Out: figures per seed and their sums.
 * Rules: `margin` and `entropy` choose from the whole stream at once (choose-windows.ts). `online` decides
 * about each window as it comes, with the budget for the stream's span, and starts without any history
 * (policies.ts). The baseline chooses at random; its mistakes are a mean over many draws.
 */
import { classOf } from '../../models/class-index.ts';
import { draws } from '../../models/xorshift.ts';
import { byChance, byUncertainty } from '../learn/choose-windows.ts';
import { judgeClasses, type LabelledWindow } from '../learn/judge.ts';
import { RandomShare, UncertainWithin } from '../learn/policies.ts';
import { reliability } from '../learn/scores.ts';
import { uncertaintyOf } from '../learn/uncertainty.ts';
import { type Streams, type StreamWindow, streamOf } from './select-streams.ts';

export const ways = ['margin', 'entropy', 'online'] as const;
export type Way = (typeof ways)[number];

export interface Trial {
  seed: number;
  windows: number;
  accuracy: number;
  /** Mistakes found at random with the budget: mean over draws. */
  random: number;
  found: Record<Way, number>;
  /** Labels that `online` spent. */
  spent: number;
  /**
   * Draws of the random share whose interval covers the accuracy, of all draws; whether the first one does.
   */
  covered: number;
  drawn: number;
  firstCovers: boolean;
  /** Mean width of the intervals. */
  width: number;
  /** Mistakes among the first k windows of `margin`, for k = 0 to the largest budget of the plot. */
  curve: number[];
  expectedCalibrationError: number;
}

const dayMs = 86_400_000;
/** Random draws of a stream: for the baseline, and for the coverage. */
const drawsOfStream = 50;

/** Labels up to which the plot goes, as a multiple of the budget. */
const plotBudgets = 2;

/** Mistakes that the policy of a gateway finds, and the labels that it spends. */
function online(stream: readonly StreamWindow[], isWrong: readonly boolean[], stepMs: number, budget: number) {
  const spanDays = (stream.length * stepMs) / dayMs;
  const policy = new UncertainWithin({ labelsPerDay: budget / spanDays, burst: budget / 8, memoryDays: spanDays });
  let [found, spent] = [0, 0];
  for (const [i, { scores }] of stream.entries()) {
    if (spent === budget || !policy.take(uncertaintyOf(scores), i * stepMs)) continue;
    spent++;
    if (isWrong[i]) found++;
  }
  return { found, spent };
}

/** Draws the random share many times, and judges each sample as the gateway would. */
function coverage(
  stream: readonly StreamWindow[],
  answers: readonly number[],
  names: readonly string[],
  share: number,
  seed: number,
) {
  const accuracy = stream.filter(({ truth }, i) => truth === answers[i]).length / stream.length;
  let [covered, width, firstCovers] = [0, 0, false];
  for (let d = 0; d < drawsOfStream; d++) {
    const policy = new RandomShare(share, 1000 * (seed + 1) + d);
    const sample = stream.flatMap(({ truth }, i): LabelledWindow[] => {
      if (!policy.take()) return [];
      const { inclusion } = policy;
      const v1 = answers[i] as number;
      return [{ window: `${i}`, reasons: ['random'], inclusion, truth: { kind: 'class', class: truth }, answers: { v1 } }];
    });
    const { low, high } = judgeClasses(sample, 'v1', names, { rounds: 1 }).accuracy.interval ?? { low: 0, high: 1 };
    const covers = low <= accuracy && accuracy <= high;
    if (covers) covered++;
    if (d === 0) firstCovers = covers;
    width += (high - low) / drawsOfStream;
  }
  return { accuracy, covered, drawn: drawsOfStream, firstCovers, width };
}

/** Runs one seed. */
export function trial(streams: Streams, seed: number, budget: number): Trial {
  const stream = streamOf(streams, seed, draws(seed));
  const answers = stream.map(({ scores }) => classOf(scores, scores.length));
  const isWrong = stream.map(({ truth }, i) => truth !== answers[i]);
  const mistakes = (chosen: readonly number[]) => chosen.filter((i) => isWrong[i]).length;
  const ranked = (measure: 'margin' | 'entropy') =>
    byUncertainty(
      stream.map(({ scores }) => uncertaintyOf(scores, measure)),
      plotBudgets * budget,
      seed,
    );
  const byMargin = ranked('margin');
  const atOnce = online(stream, isWrong, streams.stepMs, budget);
  let random = 0;
  for (let d = 0; d < drawsOfStream; d++)
    random += mistakes(byChance(stream.length, budget, 1000 * (seed + 1) + d)) / drawsOfStream;
  return {
    seed,
    windows: stream.length,
    random,
    found: {
      margin: mistakes(byMargin.slice(0, budget)),
      entropy: mistakes(ranked('entropy').slice(0, budget)),
      online: atOnce.found,
    },
    spent: atOnce.spent,
    curve: Array.from({ length: plotBudgets * budget + 1 }, (_, k) => mistakes(byMargin.slice(0, k))),
    ...coverage(stream, answers, streams.classes, budget / stream.length, seed),
    expectedCalibrationError: reliability(stream).expectedCalibrationError,
  };
}
