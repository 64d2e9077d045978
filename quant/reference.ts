/**
 * The bit-exact integer reference: what every kernel, target and engine must equal.
 *
 * In: a QuantPlan and int8 frames `[t][f][c]` of each input.  Out: int8 outputs.  `runWindow` is the windowed
 * model; `runSignal` is the plan's meaning on an endless signal. Exact: integers only.
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

/** A signal for the one input, or one for each. */
export type Signals = Ints | readonly Ints[];

export interface IntResult extends WindowResult<Ints> {
  outputs: Ints[];
}

const listOf = (data: Signals): readonly Ints[] => (ArrayBuffer.isView(data) ? [data] : data);

/** Frames of a signal as a block. */
export const signalBlock = (quant: QuantPlan, data: Ints): Block<Ints> => blocksOf(quant.plan.graph, [data])[0] as Block<Ints>;

/** Frames of a signal for each input, as blocks. */
export const signalBlocks = (quant: QuantPlan, data: Signals): Block<Ints>[] => blocksOf(quant.plan.graph, listOf(data));

/** Every output of the plan over a whole signal, from the end of the warm-up on. */
export const runSignal = (quant: QuantPlan, data: Signals, options: { warmUp?: boolean } = {}): Generator<IntResult> =>
  executeStream(quant.plan, signalBlocks(quant, data), intRunner(quant.params), options) as Generator<IntResult>;

/** The windowed model, with the same parameters. States that go on in the plan begin anew at every window. */
export function windowedModel({ plan, params }: QuantPlan): QuantPlan {
  const own = windowedPlan(plan);
  if (own.graph === plan.graph) return { plan: own, params };
  const made = restarted.get(own) ?? quantPlan(own);
  restarted.set(own, made);
  return made;
}
const restarted = new WeakMap<StreamPlan, QuantPlan>();

/** The windowed model on one window: outputs and every tensor. */
export function runWindow(quant: QuantPlan, data: Signals): IntResult {
  const [result] = runSignal(windowedModel(quant), data);
  return result as IntResult;
}
