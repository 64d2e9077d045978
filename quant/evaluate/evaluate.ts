/**
 * evaluate: computes the metrics of a model on labelled data, float or int8, windowed or streamed.
 *
 * In: a StreamPlan of a float graph or a QuantPlan, data, labels.  Out: metrics, and the model's outputs at
 * each judged window. Data is one recording with a label for each window (one window begins every hop), or
 * separate recordings with one label each, for the last window. The plan decides how the model runs:
 * planStream(graph, { hop, mode: 'windowed' }) judges the windowed model.  Deterministic; prints nothing.
 * models/class-index.ts has the rule for the answered class.
 */
import { classOf } from '../../models/class-index.ts';
import { RunletError } from '../../models/error.ts';
import { ticksIn } from '../../models/stream/execute.ts';
import { floatBlocks } from '../../models/stream/float.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { type Classes, type Labels, outputElements } from './labels.ts';
import { type ClassMetrics, classMetrics, type ValueMetrics, valueMetrics } from './metrics.ts';
import { type Model, outputsOf, planOf } from './outputs.ts';

/**
 * An array `[frames][f][c]` of the only input, or one per input; or separate recordings, [recording][input].
 */
export type EvaluationData = Float32Array | readonly Float32Array[] | { recordings: readonly (readonly Float32Array[])[] };

export interface Judged {
  /** Index of the window in the signal, or of the separate recording. */
  window: number;
  /** All elements of all outputs. */
  outputs: Float32Array;
}

export interface Evaluation {
  /** Number of all windows. `judged` holds those that have a label and an output. */
  windows: number;
  judged: Judged[];
  classes?: ClassMetrics;
  values?: ValueMetrics;
}

export const isApart = (data: EvaluationData): data is { recordings: readonly (readonly Float32Array[])[] } =>
  'recordings' in data;

const signalsOf = (data: Float32Array | readonly Float32Array[]): readonly Float32Array[] =>
  data instanceof Float32Array ? [data] : data;

/** Returns the number of complete windows in a signal. */
function windowsIn(plan: StreamPlan, signals: readonly Float32Array[]): number {
  return Math.max(0, Math.floor((ticksIn(plan, floatBlocks(plan, signals)) - plan.window) / plan.hop) + 1);
}

/** Returns how many labels the data needs. @throws RN438 if a recording is shorter than a window */
export function windowCount(plan: StreamPlan, data: EvaluationData): number {
  if (!isApart(data)) return windowsIn(plan, signalsOf(data));
  for (const [i, signals] of data.recordings.entries())
    if (windowsIn(plan, signals) === 0)
      throw new RunletError('RN438', {
        what: `recording ${i} is shorter than a window`,
        why: `it has ${ticksIn(plan, floatBlocks(plan, signals))} frames, a window ${plan.window}`,
        tryThis: 'an array [recordings][frames][values] of longer recordings',
      });
  return data.recordings.length;
}

/** Returns the number of labels per window. @throws RN431 if their number does not match the windows */
function checkCount(plan: StreamPlan, windows: number, { kind, values }: Labels): number {
  const per = kind === 'classes' ? 1 : outputElements(plan.graph).reduce((a, b) => a + b, 0);
  if (values.length === windows * per) return per;
  throw new RunletError('RN431', {
    what: `${values.length} labels for ${windows} windows`,
    why: `${per > 1 ? `each window has ${per} output elements; ` : ''}a window of ${plan.window} frames begins every ${plan.hop} frames`,
    tryThis: 'a label for every window, null (or an empty cell) for a window without one; another --hop',
  });
}

/** Drops the start of a recording, so that its last output is due exactly at its end; `window`: its index. */
function ending(plan: StreamPlan, signals: readonly Float32Array[]): { signals: Float32Array[]; window: number } {
  const { rates } = plan.clock;
  const all = ticksIn(plan, floatBlocks(plan, signals));
  const window = Math.floor((all - plan.window - plan.delayFrames) / plan.hop);
  const from = all - (window * plan.hop + plan.window + plan.delayFrames);
  const cut = signals.map((data, i) => data.slice((from * (rates[i] as number) * data.length) / (all * (rates[i] as number))));
  return { signals: cut, window };
}

/** The class of a window. @param outputs all outputs; the first one tells the class */
export const answerOf = (outputs: Float32Array, { names, elements = names.length }: Classes): number =>
  classOf(outputs.subarray(0, elements), names.length);

/** Returns the outputs at every window that `wanted` selects and for which the plan has an output. */
export function judge(model: Model, data: EvaluationData, wanted: (window: number) => boolean): Judged[] {
  const judged: Judged[] = [];
  if (!isApart(data)) {
    for (const { window, values } of outputsOf(model, signalsOf(data), wanted)) judged.push({ window, outputs: values });
    return judged;
  }
  for (const [i, recording] of data.recordings.entries()) {
    if (!wanted(i)) continue;
    const { signals, window } = ending(planOf(model), recording);
    for (const { values } of outputsOf(model, signals, (n) => n === window)) judged.push({ window: i, outputs: values });
  }
  return judged;
}

/** Computes metrics of outputs. @throws RN434 if no window has a label and an output */
export function metricsOf(judged: readonly Judged[], labels: Labels): Pick<Evaluation, 'classes' | 'values'> {
  const { kind, values, names } = labels;
  const truth: number[] = [];
  const answers: number[] = [];
  for (const { window, outputs } of judged)
    if (kind === 'classes') {
      truth.push(values[window] as number);
      answers.push(answerOf(outputs, labels));
    } else
      for (const [e, y] of outputs.entries()) {
        const want = values[window * outputs.length + e];
        if (want === null || want === undefined) continue;
        truth.push(want);
        answers.push(y);
      }
  if (truth.length === 0)
    throw new RunletError('RN434', {
      what: 'no window can be judged',
      why: 'no window with a label has an output; the first outputs are held back during the warm-up',
      tryThis: 'longer recordings, or --mode windowed',
    });
  return kind === 'classes' ? { classes: classMetrics(truth, answers, names) } : { values: valueMetrics(truth, answers) };
}

/** Returns the number of windows, and which of them have a label. @throws RN431, RN438 */
export function labelled(
  plan: StreamPlan,
  data: EvaluationData,
  labels: Labels,
): { windows: number; has: (window: number) => boolean } {
  const windows = windowCount(plan, data);
  const per = checkCount(plan, windows, labels);
  const has = (n: number) => labels.values.slice(n * per, (n + 1) * per).some((v) => v !== null);
  return { windows, has };
}

/**
 * Judges a model.
 * @throws RunletError RN431 (wrong number of labels), RN434 (no window can be judged), RN438 (recordings too
 * short)
 */
export function evaluate(model: Model, data: EvaluationData, labels: Labels): Evaluation {
  const { windows, has } = labelled(planOf(model), data, labels);
  const judged = judge(model, data, has);
  return { windows, judged, ...metricsOf(judged, labels) };
}
