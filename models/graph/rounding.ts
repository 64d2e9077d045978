/**
 * Whose rule brings the sums of a fully connected layer to its output's scale: which reference kernels a
 * model gives the bytes of.
 *
 * In: a Graph and the name of a rule.  Out: the Graph with that rule on every layer that TensorFlow Lite
 * calls FULLY_CONNECTED, also where it became a convolution here; nothing else changes. All other operators
 * are computed alike by all references (docs/adr/0023).
 */
import { hasWeights, type MacNode } from './channels.ts';
import type { Graph, Node, ScaleRule } from './types.ts';

export const roundings = ['tflm', 'tflm-f32', 'litert'] as const;
export type Rounding = (typeof roundings)[number];

/** What is equal to the byte, by the rule's name. Tests run these versions. */
export const references: Record<Rounding, string> = {
  tflm: 'TensorFlow Lite Micro 8f6596d (tflite-micro 0.dev20261023182759)',
  'tflm-f32': 'TensorFlow Lite Micro 88f8587 (tflite-micro 0.dev20260203175027)',
  litert: 'LiteRT 2.3.0, reference kernels (ai-edge-litert 2.3.0)',
};

const rules: Record<Rounding, ScaleRule> = { tflm: 'dense', 'tflm-f32': 'dense-f32', litert: 'dense-once' };
const ofRule = new Map<ScaleRule | undefined, Rounding>(roundings.map((rounding) => [rules[rounding], rounding]));

const isFullyConnected = (node: Node): node is MacNode =>
  hasWeights(node) && ('units' in node.attrs || ofRule.has(node.attrs.weights.scaleRule));

/** The graph with this rule; float weights take it with their scales. */
export function withRounding<G extends Graph>(graph: G, rounding: Rounding): G {
  const nodes = graph.nodes.map((node): Node => {
    if (!isFullyConnected(node)) return node;
    const weights = { ...node.attrs.weights, scaleRule: rules[rounding] };
    return { ...node, attrs: { ...node.attrs, weights } } as Node;
  });
  return { ...graph, nodes };
}

/**
 * The rule of the graph's fully connected layers; undefined where no layer names one (then the module
 * computes as `tflm` does).
 */
export function roundingOf({ nodes }: Graph): Rounding | undefined {
  for (const node of nodes) {
    const rounding = hasWeights(node) ? ofRule.get(node.attrs.weights.scaleRule) : undefined;
    if (rounding) return rounding;
  }
  return undefined;
}
