/**
 * The bit-exact integer reference, which every kernel, target and engine must equal.
 *
 * In: a QuantPlan and int8 frames `[t][f][c]` of each input.  Out: int8 outputs.  `runWindow` runs the
 * windowed model on one window; `runSignal` runs the plan over a signal. Exact: integers only.
 */
import type { Ints, OpName } from '../models/graph/types.ts';
import { type Block, blocksOf, executeStream, type RunNode, type WindowResult } from '../models/stream/execute.ts';
import { windowedPlan } from '../models/stream/plan.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { intOpOfNode } from './ops/index.ts';
import type { IntParams } from './ops/op.ts';
import { type QuantPlan, quantPlan } from './plan.ts';

/** Runs one node in integers. */
export function intRunner(params: QuantPlan['params']): RunNode<Ints> {
  return (node, xs, out, strideT) => {
    const op = intOpOfNode(node);
    const p = params.get(node) as IntParams[OpName];
    const strided = 'geometry' in p ? { ...p, geometry: { ...p.geometry, strideT } } : p;
    return op.run(strided as never, xs, out);
  };
}

/** The signal of the only input, or one signal for each input. */
export type Signals = Ints | readonly Ints[];

export interface IntResult extends WindowResult<Ints> {
  outputs: Ints[];
}

const listOf = (data: Signals): readonly Ints[] => (ArrayBuffer.isView(data) ? [data] : data);

/** The frames of the only input, as a block. */
export const signalBlock = (quant: QuantPlan, data: Ints): Block<Ints> => blocksOf(quant.plan.graph, [data])[0] as Block<Ints>;

/** The frames of every input, as blocks. */
export const signalBlocks = (quant: QuantPlan, data: Signals): Block<Ints>[] => blocksOf(quant.plan.graph, listOf(data));

/** Yields every output of the plan over a whole signal, from the end of the warm-up on. */
export const runSignal = (quant: QuantPlan, data: Signals, options: { warmUp?: boolean } = {}): Generator<IntResult> =>
  executeStream(quant.plan, signalBlocks(quant, data), intRunner(quant.params), options) as Generator<IntResult>;

/** Returns the windowed model with the same parameters. A state that streaming carries over restarts here. */
export function windowedModel({ plan, params }: QuantPlan): QuantPlan {
  const windowed = windowedPlan(plan);
  if (windowed.graph === plan.graph) return { plan: windowed, params };
  const made = restarted.get(windowed) ?? quantPlan(windowed);
  restarted.set(windowed, made);
  return made;
}
const restarted = new WeakMap<StreamPlan, QuantPlan>();

/** Runs the windowed model on one window; returns the outputs and every tensor. */
export function runWindow(quant: QuantPlan, data: Signals): IntResult {
  const [result] = runSignal(windowedModel(quant), data);
  return result as IntResult;
}
