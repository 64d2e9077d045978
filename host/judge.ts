/**
 * How well int8 does what float does, on a recording that has its truth.
 *
 * In: the float graph, the int8 plan, a recording.  Out: accuracy (or mean absolute error) of float and int8
 * at the same windows, and how far their outputs are apart. Windows are spread over the recording evenly, as
 * many as some seconds of work allow.
 */
import type { TruthAt } from '../assembly/bundle/manifest.ts';
import type { Graph } from '../models/graph/types.ts';
import { planStream } from '../models/stream/plan.ts';
import type { PlanOptions, StreamPlan } from '../models/stream/types.ts';
import { compareForms, type FormComparison } from '../quant/evaluate/compare-forms.ts';
import { answerOf, judge, windowCount } from '../quant/evaluate/evaluate.ts';
import { classNames, type Labels, outputElements, tellsClasses } from '../quant/evaluate/labels.ts';
import type { QuantPlan } from '../quant/plan.ts';
import { inputsOf, type Recording, type Truth } from './recording.ts';
import { truthIn } from './statistics.ts';

/** Multiply-accumulates of float windows that a judgement may take: some seconds. */
const budgetMacs = 1.5e9;
const [fewest, most] = [50, 2000];

export interface Judgement {
  comparison: FormComparison;
  /** Where in its window the truth of an output is. */
  truthAt?: TruthAt;
}

/** Every how many windows one is judged. */
function everyOf(plan: StreamPlan, windows: number): number {
  const count = Math.max(fewest, Math.min(most, Math.floor(budgetMacs / Math.max(1, plan.macsPerWindow))));
  return Math.max(1, Math.ceil(windows / count));
}

/** The truth of every window; null where it is unknown, or the window is not judged. */
function labelsFor(plan: StreamPlan, recording: Recording, truth: Truth, at: TruthAt | undefined): Labels & { at: TruthAt } {
  const { graph } = plan;
  const windows = windowCount(plan, recording.signals);
  const every = everyOf(plan, windows);
  const names = classNames(graph);
  const [elements = 1] = outputElements(graph);
  const whole = truth.values.every((v) => Number.isNaN(v) || Number.isInteger(v));
  const kind =
    elements > 1 || tellsClasses(graph) || truth.names.length > 0 || (whole && new Set(truth.values).size <= 2)
      ? 'classes'
      : 'values';
  const place = at ?? (kind === 'classes' ? 'majority' : 'end');
  const values = Array.from({ length: windows }, (_, n) => {
    const value = n % every === 0 ? truthIn(truth.values, n * plan.hop, n * plan.hop + plan.window, place) : Number.NaN;
    return Number.isNaN(value) || (kind === 'classes' && (value < 0 || value >= names.length)) ? null : value;
  });
  return { kind, values, elements, names, at: place };
}

/** The recording's first windows, where there is no truth to choose by. */
function beginning(plan: StreamPlan, { signals }: Recording): Float32Array[] {
  const windows = windowCount(plan, signals);
  const ticks = plan.window + plan.hop * Math.ceil(windows / everyOf(plan, windows));
  return inputsOf(plan.graph).map(({ elements, rate }, i) => (signals[i] as Float32Array).subarray(0, ticks * rate * elements));
}

/** @throws RunletError RN434 the recording is too short */
export function judged(float: Graph | undefined, quant: QuantPlan, recording: Recording, at: TruthAt | undefined): Judgement {
  const { truth } = recording;
  const { plan } = quant;
  const floatPlan = float && planStream(float, { ...plan.options, mode: plan.mode });
  if (!truth) return { comparison: compareForms(floatPlan, quant, beginning(plan, recording)) };
  const labels = labelsFor(plan, recording, truth, at);
  return { comparison: compareForms(floatPlan, quant, recording.signals, labels), truthAt: labels.at };
}

/**
 * The order of class names that a model without labels has: alphabetical, as label encoders make it, if the
 * model's own answers bear that out.
 * @returns the names in the order of the outputs; undefined where the answers for any name are mostly
 * another's.
 */
export function labelOrder(
  graph: Graph,
  options: PlanOptions,
  recording: Recording,
  at: TruthAt | undefined,
): string[] | undefined {
  const { truth } = recording;
  const [elements = 0] = outputElements(graph);
  if (!truth || truth.names.length !== elements || elements < 2) return undefined;
  const order = [...truth.names].sort();
  const plan = planStream(graph, graph.stateful ? options : { hop: options.hop, mode: 'windowed' });
  const every = everyOf(plan, windowCount(plan, recording.signals));
  const counts = order.map(() => new Array<number>(elements).fill(0));
  for (const { window, outputs } of judge(plan, recording.signals, (n) => n % every === 0)) {
    const place = truthIn(truth.values, window * plan.hop, window * plan.hop + plan.window, at ?? 'majority');
    const row = counts[order.indexOf(truth.names[place] ?? '')];
    const answer = answerOf(outputs, { elements, names: order });
    if (row) row[answer] = (row[answer] ?? 0) + 1;
  }
  const holds = counts.every((row, c) => row.every((n, other) => other === c || n < (row[c] as number)));
  return holds ? order : undefined;
}
