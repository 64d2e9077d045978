/**
 * Compares the int8 model with its float model on a recording.
 *
 * In: the float graph, the int8 plan, a recording.  Out: accuracy (or mean absolute error) of float and int8
 * on the same windows, if the recording holds the truth, and the difference of their outputs.
 * With truth, the windows are spread evenly over the recording; without, the first ones are taken. Their
 * number is limited so that judging takes a few seconds.
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

/** Upper bound of the multiply-accumulates that one judgement spends on float windows: a few seconds. */
const budgetMacs = 1.5e9;
const [minWindows, maxWindows] = [50, 2000];

export interface Judgement {
  comparison: FormComparison;
  /** How the truth of a window was taken from the truth of its frames. */
  truthAt?: TruthAt;
}

/** Number of windows from one judged window to the next. */
function windowStride(plan: StreamPlan, windows: number): number {
  const count = Math.max(minWindows, Math.min(maxWindows, Math.floor(budgetMacs / Math.max(1, plan.macsPerWindow))));
  return Math.max(1, Math.ceil(windows / count));
}

/** Returns the truth of every window; null if it is unknown or the window is not judged. */
function labelsFor(plan: StreamPlan, recording: Recording, truth: Truth, at: TruthAt | undefined): Labels & { at: TruthAt } {
  const { graph } = plan;
  const windows = windowCount(plan, recording.signals);
  const stride = windowStride(plan, windows);
  const names = classNames(graph);
  const [elements = 1] = outputElements(graph);
  const whole = truth.values.every((v) => Number.isNaN(v) || Number.isInteger(v));
  const kind =
    elements > 1 || tellsClasses(graph) || truth.names.length > 0 || (whole && new Set(truth.values).size <= 2)
      ? 'classes'
      : 'values';
  const place = at ?? (kind === 'classes' ? 'majority' : 'end');
  const values = Array.from({ length: windows }, (_, n) => {
    const value = n % stride === 0 ? truthIn(truth.values, n * plan.hop, n * plan.hop + plan.window, place) : Number.NaN;
    return Number.isNaN(value) || (kind === 'classes' && (value < 0 || value >= names.length)) ? null : value;
  });
  return { kind, values, elements, names, at: place };
}

/** Returns the first windows of the recording; for recordings without truth. */
function beginning(plan: StreamPlan, { signals }: Recording): Float32Array[] {
  const windows = windowCount(plan, signals);
  const ticks = plan.window + plan.hop * Math.ceil(windows / windowStride(plan, windows));
  return inputsOf(plan.graph).map(({ elements, rate }, i) => (signals[i] as Float32Array).subarray(0, ticks * rate * elements));
}

/** Compares both forms of the model. @throws RunletError RN434 if the recording is too short. */
export function judged(float: Graph | undefined, quant: QuantPlan, recording: Recording, at: TruthAt | undefined): Judgement {
  const { truth } = recording;
  const { plan } = quant;
  const floatPlan = float && planStream(float, { ...plan.options, mode: plan.mode });
  if (!truth) return { comparison: compareForms(floatPlan, quant, beginning(plan, recording)) };
  const labels = labelsFor(plan, recording, truth, at);
  return { comparison: compareForms(floatPlan, quant, recording.signals, labels), truthAt: labels.at };
}

/**
 * Guesses which output stands for which class name, for a model without labels. Label encoders sort names
 * alphabetically; the guess holds if the model's answers agree with that order.
 * @returns the names in the order of the outputs; undefined if, for any name, another class is answered at
 * least as often as the name itself.
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
  const stride = windowStride(plan, windowCount(plan, recording.signals));
  const counts = order.map(() => new Array<number>(elements).fill(0));
  for (const { window, outputs } of judge(plan, recording.signals, (n) => n % stride === 0)) {
    const place = truthIn(truth.values, window * plan.hop, window * plan.hop + plan.window, at ?? 'majority');
    const row = counts[order.indexOf(truth.names[place] ?? '')];
    const answer = answerOf(outputs, { elements, names: order });
    if (row) row[answer] = (row[answer] ?? 0) + 1;
  }
  const holds = counts.every((row, c) => row.every((n, other) => other === c || n < (row[c] as number)));
  return holds ? order : undefined;
}
