/**
 * search: finds the best combination of quantisation methods for a task, within a time budget.
 *
 * In: the plan of a float graph, calibration data, optionally evaluation data with labels.
 * Out: every tried candidate with its score and costs, the Pareto front, and the chosen candidate. It has the
 * best score; ties go to the fewest bytes, then to the least work, then to the first tried.
 * Score: the metric of the labels, else the signal-to-noise ratio of the outputs over 32 windows of the data.
 * The model runs in the mode of the plan.
 * Bytes: weights, 12 for each output channel (bias, multiplier, shift), and the state.  Work:
 * multiply-accumulates a hop; one on int16 counts `int16Work` times (quant/mixed.ts). Deterministic with
 * `candidates`; else the time decides how many are tried.
 */
import { RunletError } from '../../models/error.ts';
import { hasWeights, weightChannels } from '../../models/graph/channels.ts';
import type { Graph, Tensor } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { join, resultOf } from '../../models/lists.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { planFor } from '../../models/stream/rebind.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { type Calibration, piecesOf } from '../calibration/signals.ts';
import { cutsOf } from '../diagnose/cuts.ts';
import { Ratio } from '../diagnose/tally.ts';
import { type EvaluationData, evaluate } from '../evaluate/evaluate.ts';
import type { Labels, Metric } from '../evaluate/labels.ts';
import { outputsOf } from '../evaluate/outputs.ts';
import { analyticMeans } from '../methods/analytic-means.ts';
import { int16Work, mixed } from '../mixed.ts';
import { type QuantPlan, quantPlan } from '../plan.ts';
import { quantizePlanned, type Seen } from '../quantize.ts';
import { type Candidate, candidatesOf, optionsText } from './candidates.ts';

export interface SearchOptions {
  /** Time budget, seconds. Default 60. At least one candidate is tried. */
  seconds?: number;
  /** Number of candidates to try, without a time limit. */
  candidates?: number;
  seed?: number;
  /** Budgets for int16 activations to try in addition to none, percent of cost. */
  mixedBudgets?: readonly number[];
  task?: { data: EvaluationData; labels: Labels; metric?: Metric };
  /** Clock in milliseconds; tests replace it. */
  now?: () => number;
}

export type Score = Metric | 'output SQNR';

export interface Tried extends Candidate {
  options: string;
  graph: Graph;
  /** The float graph that was rounded (Quantized.float). */
  float: Graph;
  /** Value of the search's score. */
  score: number;
  bytes: number;
  work: number;
  /** True if the candidate is on the Pareto front of score, bytes and work. */
  front: boolean;
}

export interface Search {
  score: Score;
  /** Tried candidates, in order. */
  tried: Tried[];
  /** Number of all candidates. */
  candidates: number;
  chosen: Tried;
}

const better = (score: Score, a: number, b: number): boolean => (score === 'mae' || score === 'rmse' ? a < b : a > b);

function costOf({ plan }: QuantPlan): { bytes: number; work: number } {
  let bytes = plan.stateBytes;
  for (const node of plan.graph.nodes) {
    if (!hasWeights(node)) continue;
    const { outputs } = weightChannels(node, (plan.graph.tensors[node.inputs[0] as number] as Tensor).shape.c);
    bytes += node.attrs.weights.data.length + 12 * outputs;
  }
  const work = plan.steps.reduce((sum, s) => sum + s.macsPerHop * (viewOf(plan.graph).touchesInt16(s.node) ? int16Work : 1), 0);
  return { bytes, work };
}

/** Marks the candidates on the Pareto front, and returns the best one. */
export function chooseFrom<T extends { score: number; bytes: number; work: number; front: boolean }>(
  score: Score,
  tried: readonly T[],
): T {
  const asGood = (a: T, b: T) => !better(score, b.score, a.score) && a.bytes <= b.bytes && a.work <= b.work;
  for (const one of tried) one.front = !tried.some((other) => other !== one && asGood(other, one) && !asGood(one, other));
  const wins = (a: T, b: T) => {
    if (a.score !== b.score) return better(score, a.score, b.score);
    return a.bytes === b.bytes ? a.work < b.work : a.bytes < b.bytes;
  };
  return tried.reduce((best, one) => (wins(one, best) ? one : best));
}

/** Returns a function for the signal-to-noise ratio of a plan's outputs against the float plan, dB. */
function outputSqnr(plan: StreamPlan, data: Calibration): (quant: QuantPlan) => number {
  const cuts = cutsOf(plan, data, 4, 7);
  const exact = cuts.map((signals) => [...executeStream(plan, floatBlocks(plan, signals), floatRunner)].map((w) => w.outputs));
  return (quant) => {
    const ratio = new Ratio();
    for (const [k, signals] of cuts.entries()) {
      let n = 0;
      for (const { values } of outputsOf(quant, signals, () => true))
        ratio.add(join(Float32Array, exact[k]?.[n++] ?? []), (e) => values[e] as number);
    }
    return ratio.db;
  };
}

/**
 * Searches step by step. Yields before each candidate, so that the caller can show progress, wait or stop.
 * @throws RunletError RN437 (no budget), RN431 to RN438, RN404, RN41x
 */
export function* searchSteps(
  plan: StreamPlan,
  calibration: Calibration,
  how: SearchOptions = {},
): Generator<{ tried: number; candidates: number; share: number }, Search, undefined> {
  const { seconds = 60, task, now = () => performance.now() } = how;
  if (!(seconds > 0) || (how.candidates !== undefined && !(how.candidates >= 1)))
    throw new RunletError('RN437', {
      what: how.candidates === undefined ? `${seconds} seconds to search in` : `${how.candidates} candidates to try`,
      why: 'nothing would be tried',
      tryThis: '--seconds 60, or --candidates 10',
    });
  const { options, mode } = plan;
  const all = candidatesOf({ ...how, analytic: analyticMeans(plan.graph).size > 0 });
  const score: Score = task ? (task.metric ?? (task.labels.kind === 'classes' ? 'accuracy' : 'mae')) : 'output SQNR';
  const sqnr = task ? undefined : outputSqnr(plan, calibration);
  const scoreOf = (quant: QuantPlan): number => {
    if (!task) return sqnr?.(quant) ?? 0;
    const { classes, values } = evaluate(quant, task.data, task.labels);
    const found = { accuracy: classes?.accuracy, f1: classes?.macroF1, mae: values?.mae, rmse: values?.rmse };
    return found[score as Metric] ?? Number.NaN;
  };
  const seen: Seen = new Map();
  const joined = joinedSignals(plan, calibration);
  const maxCandidates = Math.min(all.length, how.candidates ?? all.length);
  const start = now();
  const tried: Tried[] = [];
  let last: { key: string; int8: Graph; float: Graph } | undefined;
  for (const candidate of all.slice(0, maxCandidates)) {
    const spent = (now() - start) / 1000;
    if (tried.length > 0 && how.candidates === undefined && spent >= seconds) break;
    yield {
      tried: tried.length,
      candidates: maxCandidates,
      share: how.candidates === undefined ? Math.min(1, spent / seconds) : tried.length / maxCandidates,
    };
    const key = optionsText({ methods: candidate.methods });
    if (last?.key !== key) {
      const made = quantizePlanned(plan, calibration, { ...candidate.methods, noReport: true, seen });
      last = { key, int8: made.graph, float: made.float };
    }
    const { int8, float } = last;
    const { mixedBudget } = candidate;
    const narrow = planFor(plan, int8);
    const made = mixedBudget === undefined ? int8 : mixed(narrow, joined, { budgetPercent: mixedBudget }).graph;
    // a graph with int16 needs a plan of its own
    const quant = quantPlan(made === int8 ? narrow : planStream(made, { ...options, mode }));
    tried.push({
      ...candidate,
      options: optionsText(candidate),
      graph: made,
      float,
      score: scoreOf(quant),
      ...costOf(quant),
      front: false,
    });
  }
  return { score, tried, candidates: all.length, chosen: chooseFrom(score, tried) };
}

/** Returns one signal per input; windows that were chosen from a long recording are joined. */
function joinedSignals(plan: StreamPlan, calibration: Calibration): Float32Array[] {
  const pieces = piecesOf(calibration);
  return plan.graph.inputs.map((_, i) =>
    join(
      Float32Array,
      pieces.map((piece) => piece[i] as Float32Array),
    ),
  );
}

/** Runs the whole search. @throws as searchSteps */
export const search = (plan: StreamPlan, calibration: Calibration, how: SearchOptions = {}): Search =>
  resultOf(searchSteps(plan, calibration, how));
