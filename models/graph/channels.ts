/**
 * Nodes with weights, and which channels a weight joins, which their operators say (models/ops).
 *
 * In: a node with weights and the channels of its input.  Out: outputs, and the input and output channel of
 * weight i.
 */
import { opOfNode } from '../ops/index.ts';
import type { WeightChannels } from '../ops/op.ts';
import type { Node, NodeOf, Weights } from './types.ts';

export type { WeightChannels };

/** Operators with weights: y = clamp(W x + b). */
export type MacNode = NodeOf<'conv'> | NodeOf<'depthwise'> | NodeOf<'dense'>;

export const hasWeights = (node: Node): node is MacNode => 'weights' in node.attrs;

/** @param channels of the node's input */
export const weightChannels = (node: MacNode, channels: number): WeightChannels =>
  opOfNode(node).weightChannels?.(node.attrs, channels) as WeightChannels;

/** The node with other weights and bias. */
export function withWeights(node: MacNode, weights: Weights, bias: Float32Array | Int32Array | null): MacNode {
  return { ...node, attrs: { ...node.attrs, weights, bias } } as MacNode;
}
