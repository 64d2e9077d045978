/**
 * The plan's meaning in real numbers: what calibration observes and int8 is judged against.
 *
 * In: a StreamPlan of a float graph and a float signal `[frames][f][c]`, or one for each input.  Out: blocks
 * of float32.
 */
import { opOfNode } from '../ops/index.ts';
import { type Block, blocksOf, type RunNode } from './execute.ts';
import type { StreamPlan } from './types.ts';

/** Runs one node in floating point. */
export const floatRunner: RunNode<Float32Array> = (node, xs, out, strideT) => {
  const attrs = 'strideT' in node.attrs ? { ...node.attrs, strideT } : node.attrs;
  return opOfNode(node).float(xs, attrs, out);
};

/** Frames of a float signal as a block. */
export const floatBlock = (plan: StreamPlan, data: Float32Array): Block<Float32Array> =>
  blocksOf(plan.graph, [data])[0] as Block<Float32Array>;

/** Frames of a signal for each input, as blocks. */
export const floatBlocks = (plan: StreamPlan, data: Float32Array | readonly Float32Array[]): Block<Float32Array>[] =>
  blocksOf(plan.graph, Array.isArray(data) ? data : [data as Float32Array]);
