/**
 * Nodes with weights, and the input and output channel of each weight (from OpDef.weightChannels).
 *
 * In: a node with weights and the number of channels of its input.  Out: WeightChannels.
 */
import { opOfNode } from '../ops/index.ts';
import type { WeightChannels } from '../ops/op.ts';
import type { Node, NodeOf, Weights } from './types.ts';

export type { WeightChannels };

/** Operators with weights: y = clamp(W x + b). */
export type MacNode = NodeOf<'conv'> | NodeOf<'depthwise'> | NodeOf<'dense'>;

export const hasWeights = (node: Node): node is MacNode => 'weights' in node.attrs;

/** @param channels number of channels of the node's input */
export const weightChannels = (node: MacNode, channels: number): WeightChannels =>
  opOfNode(node).weightChannels?.(node.attrs, channels) as WeightChannels;

/** Returns the node with other weights and bias. */
export function withWeights(node: MacNode, weights: Weights, bias: Float32Array | Int32Array | null): MacNode {
  return { ...node, attrs: { ...node.attrs, weights, bias } } as MacNode;
}
