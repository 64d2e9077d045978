/**
 * judge: reads a file with the project's reader, and compares the result with the Oracle step by step.
 *
 * In: a file's bytes and a seed for the signals.  Out: a verdict. `refused`: the reader or the planner
 * refused the file. `equal`: every value of every output equals the Oracle's in every step. `different`: at
 * least one value differs. `accepted`: the reader accepted a file that no interpreter runs. `unjudged`: the
 * reader accepted a file that the Oracle has no rule for. Errors other than RunletError are rethrown.
 */

import { isRunletError } from '../../models/error.ts';
import { frameOf, type Graph, type Ints, type Port, type Shape } from '../../models/graph/types.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { Oracle } from './execute.ts';
import { roundAway } from './fixed.ts';
import { Invalid, Unjudged } from './flat.ts';
import type { Values } from './runtime.ts';
import { Rng } from './writer/rng.ts';

export type Kind = 'refused' | 'equal' | 'different' | 'accepted' | 'unjudged';

export interface Verdict {
  kind: Kind;
  /** Code of the RunletError, or the first difference. */
  detail: string;
  /** Number of compared values. */
  values: number;
  /** True if the plan has a state. */
  stateful: boolean;
  /**
   * For `equal`: the plan and the compared signals, int8 [t][f][c] per input, for callers that also compile.
   */
  quant?: QuantPlan;
  signals: Int8Array[][];
  expected: Ints[][][];
}

export const steps = 40;

/** Returns a signal in one of three styles: noise, a slow random walk, or steps between the extremes. */
export function signalOf(length: number, frame: number, rng: Rng, style: number): Int8Array {
  let at = 0;
  const walk = Int8Array.from({ length: frame }, () => rng.int(-128, 127));
  return Int8Array.from({ length }, (_, i) => {
    if (style === 0) return rng.int(-128, 127);
    if (style === 1) {
      const k = i % frame;
      walk[k] = Math.min(127, Math.max(-128, (walk[k] as number) + rng.int(-25, 25)));
      return walk[k] as number;
    }
    if (i % (3 * frame) === 0) at = rng.pick([-128, 127, 0, rng.int(-128, 127)]);
    return at;
  });
}

export const shapeOf = (graph: Graph, port: Port): Shape => graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 };

/** Converts int8 rows [t][f][c] to the type and order of the file's input. */
export function toFile(graph: Graph, port: Port, values: Ints): Float32Array {
  const { scale, zeroPoint } = graph.tensors[port.tensor]?.quant ?? { scale: 1, zeroPoint: 0 };
  const out = new Float32Array(values.length);
  toNormalForm(port.order, shapeOf(graph, port)).forEach((to, i) => {
    const q = values[i] as number;
    out[to] = port.hostType === 'float32' ? Math.fround(scale * (q - zeroPoint)) : port.hostType === 'uint8' ? q + 128 : q;
  });
  return out;
}

/** Returns floats between int8 steps and outside their range, and a function with QUANTIZE's result. */
function jitter(
  graph: Graph,
  port: Port,
  file: Float32Array,
  rng: Rng,
): { file: Float32Array; quantised: (x: number) => number } {
  const { scale, zeroPoint } = graph.tensors[port.tensor]?.quant ?? { scale: 1, zeroPoint: 0 };
  const s = Math.fround(scale);
  return {
    file: file.map((x) => Math.fround(x + (rng.unit() - 0.5) * s * (rng.chance(0.05) ? 60 : 1))),
    quantised: (x) => Math.min(127, Math.max(-128, roundAway(Math.fround(x / s)) + zeroPoint)),
  };
}

/** Converts an int8 output [t][f][c] to the type and order of the file's output. */
export function asFile(graph: Graph, port: Port, values: Ints): number[] {
  const { scale, zeroPoint } = graph.tensors[port.tensor]?.quant ?? { scale: 1, zeroPoint: 0 };
  const out: number[] = [];
  toNormalForm(port.order, shapeOf(graph, port)).forEach((to, i) => {
    const q = values[i] as number;
    out[to] =
      port.hostType === 'float32' ? Math.fround(Math.fround(scale) * (q - zeroPoint)) : port.hostType === 'uint8' ? q + 128 : q;
  });
  return out;
}

function oracleOf(bytes: Uint8Array): Oracle | Invalid | Unjudged {
  try {
    return new Oracle(bytes);
  } catch (error) {
    if (error instanceof Invalid || error instanceof Unjudged) return error;
    throw error;
  }
}

/** Runs every step of a signal with the project's reference executor. */
function* answers(quant: QuantPlan, stateful: boolean, signals: Int8Array[], frames: number[]): Generator<Ints[]> {
  if (stateful) {
    for (const { outputs } of runSignal(quant, signals)) yield outputs;
    return;
  }
  for (let step = 0; step < steps; step++)
    yield runWindow(
      quant,
      signals.map((s, i) => s.subarray(step * (frames[i] as number), (step + 1) * (frames[i] as number))),
    ).outputs;
}

const isStateful = (graph: Graph): boolean => 'stateful' in graph && graph.stateful === true;

function compareOnce(
  oracle: Oracle,
  quant: QuantPlan,
  graph: Graph,
  signals: Int8Array[],
  floats: Float32Array[],
  verdict: Verdict,
): void {
  oracle.reset();
  const frames = graph.inputs.map((port) => frameOf(shapeOf(graph, port)) * shapeOf(graph, port).t);
  const results: Ints[][] = [];
  let step = 0;
  for (const outputs of answers(quant, verdict.stateful, signals, frames)) {
    results.push(outputs);
    const wanted: Values[] = oracle.step(
      floats.map((file, i) => file.subarray(step * (frames[i] as number), (step + 1) * (frames[i] as number))),
    );
    if (wanted.length !== outputs.length) verdict.detail ||= `${outputs.length} outputs, not ${wanted.length}`;
    wanted.forEach((w, i) => {
      const got = asFile(quant.plan.graph, quant.plan.graph.outputs[i] as Port, outputs[i] ?? new Int8Array(0));
      if (got.length !== w.length) verdict.detail ||= `output ${i} has ${got.length} values, not ${w.length}`;
      const at = w.findIndex((v, k) => v !== got[k]);
      if (at >= 0) verdict.detail ||= `step ${step}, output ${i}, value ${at}: ${got[at]}, not ${w[at]}`;
      verdict.values += w.length;
    });
    step++;
  }
  if (step !== steps) verdict.detail ||= `${step} steps answered, not ${steps}`;
  verdict.signals.push(signals);
  verdict.expected.push(results);
}

/** Judges a file, as the header describes. */
export async function judge(bytes: Uint8Array, seed: number, styles: readonly number[] = [0, 1, 2]): Promise<Verdict> {
  const verdict: Verdict = { kind: 'refused', detail: '', values: 0, stateful: false, signals: [], expected: [] };
  const oracle = oracleOf(bytes);
  let quant: QuantPlan;
  let graph: Graph;
  try {
    graph = readTflite(bytes); // takes the first possible layout of each input, which every input has
    const window = Math.max(...graph.inputs.map((port) => shapeOf(graph, port).t));
    verdict.stateful = isStateful(graph);
    quant = quantPlan(planStream(graph, verdict.stateful ? { hop: window } : { hop: window, mode: 'windowed' }));
  } catch (error) {
    if (!isRunletError(error)) throw error;
    return { ...verdict, detail: error.code };
  }
  if (oracle instanceof Unjudged) return { ...verdict, kind: 'unjudged', detail: oracle.message };
  if (oracle instanceof Invalid) return { ...verdict, kind: 'accepted', detail: oracle.message };
  const rng = new Rng(seed);
  try {
    for (const style of styles) {
      const signals: Int8Array[] = [];
      const floats = graph.inputs.map((port, i) => {
        const shape = shapeOf(graph, port);
        const size = shape.t * frameOf(shape);
        const signal = signalOf(steps * size, frameOf(shape), rng, style);
        signals[i] = signal;
        const file = new Float32Array(signal.length);
        for (let step = 0; step < steps; step++) {
          const from = step * size;
          let part = toFile(graph, port, signal.subarray(from, from + size));
          if (port.hostType === 'float32') {
            const moved = jitter(graph, port, part, rng);
            part = moved.file;
            toNormalForm(port.order, shape).forEach((to, k) => {
              signal[from + k] = moved.quantised(part[to] as number);
            });
          }
          file.set(part, from);
        }
        return file;
      });
      compareOnce(oracle, quant, graph, signals, floats, verdict);
    }
  } catch (error) {
    if (error instanceof Invalid) return { ...verdict, kind: 'accepted', detail: error.message };
    throw error;
  }
  return { ...verdict, kind: verdict.detail ? 'different' : 'equal', quant };
}
