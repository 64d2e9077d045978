/**
 * The plan's meaning in real numbers: what calibration observes and int8 is judged against.
 *
 * In: a StreamPlan of a float graph and a float signal `[frames][f][c]`.  Out: blocks of float32.
 */
import { opOf } from '../ops/index.ts';
import type { Block, RunNode } from './execute.ts';
import type { StreamPlan } from './types.ts';

/** Runs one node in floating point. */
export const floatRunner: RunNode<Float32Array> = (node, xs, out, strideT) => {
  const attrs = 'strideT' in node.attrs ? { ...node.attrs, strideT } : node.attrs;
  return opOf(node.op).float(xs, attrs as never, out);
};

/** Frames of a float signal as a block. */
export function floatBlock(plan: StreamPlan, data: Float32Array): Block<Float32Array> {
  const shape = plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };
  return { data, shape: { ...shape, t: data.length / (shape.f * shape.c) } };
}
