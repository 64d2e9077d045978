/**
 * Float execution of a plan: calibration observes it, and int8 outputs are compared with it.
 *
 * In: a StreamPlan of a float graph, and a float signal `[frames][f][c]` per input.  Out: blocks of float32.
 */
import { opOfNode } from '../ops/index.ts';
import { type Block, blocksOf, type RunNode } from './execute.ts';
import type { StreamPlan } from './types.ts';

/** Runs one node in floating point. */
export const floatRunner: RunNode<Float32Array> = (node, xs, out, strideT) => {
  const attrs = 'strideT' in node.attrs ? { ...node.attrs, strideT } : node.attrs;
  return opOfNode(node).float(xs, attrs, out);
};

/** Returns the signal of the only input as a block. */
export const floatBlock = (plan: StreamPlan, data: Float32Array): Block<Float32Array> =>
  blocksOf(plan.graph, [data])[0] as Block<Float32Array>;

/** Returns one block per input. @param data the signals, or the signal of the only input */
export const floatBlocks = (plan: StreamPlan, data: Float32Array | readonly Float32Array[]): Block<Float32Array>[] =>
  blocksOf(plan.graph, Array.isArray(data) ? data : [data as Float32Array]);
