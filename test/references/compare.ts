/**
 * Prepares the comparison of a model file with an interpreter, step by step: Runlet's outputs under a
 * rounding rule, from the reference or from a module.
 *
 * In: a file and a seed.  Out: a Case: its signals and its outputs, both in the types and order of the file.
 * Stateful models continue from step to step; other models run on separate windows.
 */

import { build } from '../../assembly/build.ts';
import type { Target } from '../../assembly/emit/target.ts';
import { isRunletError } from '../../models/error.ts';
import { type Rounding, withRounding } from '../../models/graph/rounding.ts';
import { frameOf, isInt16, isQuantised, type Port } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { runSignal, runWindow } from '../../quant/reference.ts';
import { asFile, shapeOf, signalOf, toFile } from '../oracle/judge.ts';
import { Rng } from '../oracle/writer/rng.ts';
import { instantiate, pushAll } from '../property/harness.ts';
import type { Job } from './interpreters.ts';

export interface Case {
  name: string;
  job: Job;
  /** Returns the outputs of the TypeScript reference, as bytes in the file's output types. */
  outputs(rounding: Rounding): Uint8Array;
  /** Returns the same outputs from a module. */
  moduleOutputs(rounding: Rounding, target: Target): Promise<Uint8Array>;
}

const types = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, float32: Float32Array };
const bytesOf = (port: Port, values: ArrayLike<number>): Uint8Array =>
  new Uint8Array(new types[port.hostType](Array.from(values)).buffer);

function joined(parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Returns the case, or the reason why there is none: the file is not int8, or Runlet refuses it. */
export async function caseOf(name: string, model: Uint8Array, steps: number, seed: number): Promise<Case | string> {
  try {
    const graph = await readModel(model);
    if (!isQuantised(graph) || graph.tensors.some((t) => isInt16(t.quant))) return 'not an int8 file';
    const window = Math.max(...graph.inputs.map((port) => shapeOf(graph, port).t));
    const stateful = 'stateful' in graph && graph.stateful === true;
    const planned = (rounding: Rounding): QuantPlan =>
      quantPlan(planStream(withRounding(graph, rounding), stateful ? { hop: window } : { hop: window, mode: 'windowed' }));
    planned('litert');
    const rng = new Rng(seed);
    const frames = graph.inputs.map((port) => shapeOf(graph, port).t * frameOf(shapeOf(graph, port)));
    const signals = graph.inputs.map((port, i) =>
      signalOf(steps * (frames[i] as number), frameOf(shapeOf(graph, port)), rng, rng.int(0, 1)),
    );
    const part = (step: number) =>
      signals.map((s, i) => s.subarray(step * (frames[i] as number), (step + 1) * (frames[i] as number)));
    const every = Array.from({ length: steps }, (_, step) => step);
    const input = joined(
      every.flatMap((step) =>
        part(step).map((values, i) => bytesOf(graph.inputs[i] as Port, toFile(graph, graph.inputs[i] as Port, values))),
      ),
    );
    const asBytes = ({ plan: { graph } }: QuantPlan, all: Iterable<ArrayLike<number>[]>) =>
      joined(
        [...all].flatMap((outputs) =>
          graph.outputs.map((port, i) => bytesOf(port, asFile(graph, port, outputs[i] as Int8Array))),
        ),
      );
    return {
      name,
      job: { model, input, ports: [graph.inputs.length, graph.outputs.length] },
      outputs(rounding) {
        const quant = planned(rounding);
        if (stateful)
          return asBytes(
            quant,
            [...runSignal(quant, signals)].map(({ outputs }) => outputs),
          );
        return asBytes(
          quant,
          every.map((step) => runWindow(quant, part(step)).outputs),
        );
      },
      async moduleOutputs(rounding, target) {
        const quant = planned(rounding);
        const exports = instantiate((await build(quant, { target })).wasm);
        exports.rn_reset();
        return asBytes(quant, pushAll(exports, quant, signals.length === 1 ? (signals[0] as Int8Array) : signals, [window]));
      },
    };
  } catch (error) {
    if (isRunletError(error)) return `refused: ${error.message.split('\n')[0]}`;
    throw error;
  }
}

/** Returns the number of differing bytes, or the longer length if the lengths differ. */
export function differingBytes(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.max(a.length, b.length);
  return a.reduce((sum, value, i) => sum + (value === b[i] ? 0 : 1), 0);
}
