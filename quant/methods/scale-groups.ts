/**
 * Where the channels of tensors may be scaled without changing what the network computes.
 *
 * In: a float Graph.  Out: groups of tensors that must share one scale per channel, with the nodes that write them (divide their weights and biases) and
 * those that read them (multiply their weights).  y = f(W x + b) with f(s y) = s f(y) for s > 0, which holds for no clamp, ReLU and leaky ReLU; pools,
 * histories and sums of two branches pass a scale on.  What has a fixed border (inputs, outputs, ReLU6, sigmoid, softmax, products, concatenated or
 * cut channels) stays as it is.
 * Source: Nagel et al. 2019, arXiv 1906.04721, section 4.1.1 (positive scaling equivariance).
 */
import { hasWeights, type MacNode } from '../../models/graph/channels.ts';
import type { Clamp, Graph, Node } from '../../models/graph/types.ts';

export interface ScaleGroup {
  tensors: number[];
  channels: number;
  writers: MacNode[];
  readers: MacNode[];
}

const homogeneous = ([low, high]: Clamp): boolean =>
  (low === 0 || low === Number.NEGATIVE_INFINITY) && (high === 0 || high === Number.POSITIVE_INFINITY);

/** Whether a node without weights passes a scale per channel from every input to its output. */
function passes(node: Node): boolean {
  switch (node.op) {
    case 'maxpool':
    case 'avgpool':
    case 'globalmax':
    case 'globalavg':
      return homogeneous(node.attrs.clamp);
    case 'add':
      return homogeneous(node.attrs.clamp) && node.attrs.constant === undefined && node.inputs.length === 2;
    case 'history':
      return true;
    case 'concat':
    case 'slice':
      return node.attrs.axis === 'f';
    case 'activation':
      return (node.attrs.fn === 'leakyrelu' || node.attrs.fn === 'identity') && homogeneous(node.attrs.clamp);
    default:
      return false;
  }
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
      if (!homogeneous(node.attrs.clamp)) fix(node.output);
    } else if (passes(node)) {
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
