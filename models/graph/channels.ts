/**
 * Which channels a weight joins: the one place that knows the weight layouts of conv, depthwise and dense by channel.
 *
 * In: a node with weights and the channels of its input.  Out: outputs, and the input and output channel of weight i.
 */
import type { Node, NodeOf, Weights } from './types.ts';

/** Operators with weights: y = clamp(W x + b). */
export type MacNode = NodeOf<'conv'> | NodeOf<'depthwise'> | NodeOf<'dense'>;

export const hasWeights = (node: Node): node is MacNode => node.op === 'conv' || node.op === 'depthwise' || node.op === 'dense';

export interface WeightChannels {
  outputs: number;
  /** Input channel of weight i. */
  input(i: number): number;
  /** Output channel of weight i. */
  output(i: number): number;
}

/** @param channels of the node's input */
export function weightChannels(node: MacNode, channels: number): WeightChannels {
  if (node.op === 'depthwise') {
    const { multiplier } = node.attrs;
    const outputs = channels * multiplier;
    return { outputs, input: (i) => Math.floor((i % outputs) / multiplier), output: (i) => i % outputs };
  }
  const outputs = node.op === 'dense' ? node.attrs.units : node.attrs.outChannels;
  const row = node.attrs.weights.data.length / outputs;
  const output = (i: number) => Math.floor(i / row);
  if (node.op === 'dense') return { outputs, input: (i) => i % channels, output };
  const { groups } = node.attrs;
  const inner = channels / groups;
  return { outputs, input: (i) => Math.floor((output(i) * groups) / outputs) * inner + (i % inner), output };
}

/** The node with other weights and bias. */
export function withWeights(node: MacNode, weights: Weights, bias: Float32Array | Int32Array | null): MacNode {
  return { ...node, attrs: { ...node.attrs, weights, bias } } as MacNode;
}
