/**
 * Scale groups: tensors whose channels can be scaled without changing what the network computes.
 *
 * In: a float Graph.  Out: groups of tensors that must share one scale per channel, with the nodes that write
 * them (their weights and biases are divided) and the nodes that read them (their weights are multiplied).
 * The rule is f(s y) = s f(y) for s > 0 in y = f(W x + b). It holds without a clamp and for ReLU and leaky
 * ReLU; pools, histories and sums of two branches pass a scale on.  Tensors with a fixed range (inputs,
 * outputs, ReLU6, sigmoid, softmax, products, concatenated or sliced channels) are in no group.
 * Source: Nagel et al. 2019, arXiv 1906.04721, section 4.1.1 (positive scaling equivariance).
 */
import { hasWeights, type MacNode } from '../../models/graph/channels.ts';
import type { Graph } from '../../models/graph/types.ts';
import { opOfNode } from '../../models/ops/index.ts';
import { isHomogeneous } from '../../models/ops/op.ts';

export interface ScaleGroup {
  tensors: number[];
  channels: number;
  writers: MacNode[];
  readers: MacNode[];
}

export function scaleGroups(graph: Graph): ScaleGroup[] {
  const parent = graph.tensors.map((t) => t.id);
  const rootOf = (id: number): number => {
    let at = id;
    while (parent[at] !== at) at = parent[at] as number;
    return at;
  };
  const fixed = new Set<number>();
  const fix = (id: number) => fixed.add(id);
  for (const port of [...graph.inputs, ...graph.outputs]) fix(port.tensor);
  for (const node of graph.nodes) {
    if (hasWeights(node)) {
      if (!isHomogeneous(node.attrs.clamp)) fix(node.output);
    } else if (opOfNode(node).passesScale?.(node.attrs, node.inputs.length)) {
      for (const id of node.inputs) parent[rootOf(id)] = rootOf(node.output);
    } else for (const id of [...node.inputs, node.output]) fix(id);
  }
  const groups = new Map<number, ScaleGroup>();
  for (const t of graph.tensors) {
    const root = rootOf(t.id);
    const group = groups.get(root) ?? { tensors: [], channels: t.shape.c, writers: [], readers: [] };
    group.tensors.push(t.id);
    groups.set(root, group);
  }
  for (const node of graph.nodes) {
    if (!hasWeights(node)) continue;
    groups.get(rootOf(node.output))?.writers.push(node);
    groups.get(rootOf(node.inputs[0] as number))?.readers.push(node);
  }
  for (const id of fixed) groups.delete(rootOf(id));
  return [...groups.values()].filter((g) => g.writers.length > 0 && g.readers.length > 0);
}
