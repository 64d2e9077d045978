/**
 * The bit-exact integer reference: what every kernel, target and engine must equal.
 *
 * In: a QuantPlan and int8 frames `[t][f][c]`.  Out: int8 outputs.  `runWindow` is the windowed model; `runSignal` is the plan's meaning
 * on an endless signal. Exact: integers only.
 */
import type { Node, OpName } from '../models/graph/types.ts';
import { type Block, executeStream, type RunNode, type WindowResult } from '../models/stream/execute.ts';
import { planStream } from '../models/stream/plan.ts';
import { intOps } from './ops/index.ts';
import type { IntOp, IntParams } from './ops/op.ts';
import type { QuantPlan } from './plan.ts';

/** Runs one node in integers. */
export function intRunner(params: QuantPlan['params']): RunNode<Int8Array> {
  return (node, xs, out, strideT) => {
    const op = intOps[node.op] as IntOp<OpName>;
    const p = params.get(node) as IntParams[OpName];
    const strided = 'geometry' in p ? { ...p, geometry: { ...p.geometry, strideT } } : p;
    return op.run(strided as never, xs, out);
  };
}

/** Frames of a signal as a block. */
export function signalBlock(quant: QuantPlan, data: Int8Array): Block<Int8Array> {
  const { graph } = quant.plan;
  const shape = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };
  return { data, shape: { ...shape, t: data.length / (shape.f * shape.c) } };
}

/** Every output of the plan over a whole signal, from the end of the warm-up on. */
export const runSignal = (
  quant: QuantPlan,
  data: Int8Array,
  options: { warmUp?: boolean } = {},
): Generator<WindowResult<Int8Array>> => executeStream(quant.plan, signalBlock(quant, data), intRunner(quant.params), options);

/** The plan of the windowed model, made once a QuantPlan. */
const windowed = new WeakMap<QuantPlan, QuantPlan['plan']>();

/** The windowed model on one window: outputs and every tensor. */
export function runWindow(quant: QuantPlan, data: Int8Array): WindowResult<Int8Array> {
  const { graph, window } = quant.plan;
  const plan = windowed.get(quant) ?? planStream(graph, { hop: window, mode: 'windowed' });
  windowed.set(quant, plan);
  const params = new Map<Node, IntParams[OpName]>(quant.params);
  const [result] = executeStream(plan, signalBlock(quant, data), intRunner(params));
  return result as WindowResult<Int8Array>;
}
