/**
 * Rounding rules of fully connected layers: they decide which reference kernels a model equals bit for bit.
 *
 * In: a Graph and the name of a rule.  Out: the Graph with this rule on every layer that is a FULLY_CONNECTED
 * in TensorFlow Lite, also if a reader made a convolution of it. All other operators are equal in all
 * references (docs/adr/0023).
 */
import { hasWeights, type MacNode } from './channels.ts';
import type { Graph, Node, ScaleRule } from './types.ts';

export const roundings = ['tflm', 'tflm-f32', 'litert'] as const;
export type Rounding = (typeof roundings)[number];

/** The reference that each rule equals bit for bit. Tests run these versions. */
export const references: Record<Rounding, string> = {
  tflm: 'TensorFlow Lite Micro 8f6596d (tflite-micro 0.dev20261023182759)',
  'tflm-f32': 'TensorFlow Lite Micro 88f8587 (tflite-micro 0.dev20260203175027)',
  litert: 'LiteRT 2.3.0, reference kernels (ai-edge-litert 2.3.0)',
};

const rules: Record<Rounding, ScaleRule> = { tflm: 'dense', 'tflm-f32': 'dense-f32', litert: 'dense-once' };
const ofRule = new Map<ScaleRule | undefined, Rounding>(roundings.map((rounding) => [rules[rounding], rounding]));

const isFullyConnected = (node: Node): node is MacNode =>
  hasWeights(node) && ('units' in node.attrs || ofRule.has(node.attrs.weights.scaleRule));

/** Returns the graph with this rule. Float weights keep the rule for their later quantisation. */
export function withRounding<G extends Graph>(graph: G, rounding: Rounding): G {
  const nodes = graph.nodes.map((node): Node => {
    if (!isFullyConnected(node)) return node;
    const weights = { ...node.attrs.weights, scaleRule: rules[rounding] };
    return { ...node, attrs: { ...node.attrs, weights } } as Node;
  });
  return { ...graph, nodes };
}

/**
 * Returns the rule of the graph's fully connected layers; undefined if no layer has one (the module then
 * computes as with `tflm`).
 */
export function roundingOf({ nodes }: Graph): Rounding | undefined {
  for (const node of nodes) {
    const rounding = hasWeights(node) ? ofRule.get(node.attrs.weights.scaleRule) : undefined;
    if (rounding) return rounding;
  }
  return undefined;
}
