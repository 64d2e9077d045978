/**
 * An int8 graph as the real numbers that its integers stand for.
 *
 * In: an int8 Graph.  Out: a float Graph of the same tensors and nodes: weights and biases rounded as they are, activations not rounded at all.
 */
import { hasWeights, weightChannels, withWeights } from '../models/graph/channels.ts';
import type { Graph, Tensor } from '../models/graph/types.ts';
import { realRecurrent } from './ops/recurrent.ts';

export function dequantise(graph: Graph): Graph {
  const tensors = graph.tensors.map(({ quant: _, ...t }): Tensor => t);
  const nodes = graph.nodes.map((node) => {
    if (!hasWeights(node)) return realRecurrent(node, graph.tensors[node.output]?.quant);
    const x = graph.tensors[node.inputs[0] as number] as Tensor;
    const { weights, bias } = node.attrs;
    const channels = weightChannels(node, x.shape.c);
    const scale = (o: number) => (weights.scales?.[o] ?? weights.scales?.[0] ?? 1) as number;
    const data = Float32Array.from(weights.data, (q, i) => q * scale(channels.output(i)));
    return withWeights(node, { data }, bias && Float32Array.from(bias, (q, o) => q * (x.quant?.scale ?? 1) * scale(o)));
  });
  return { ...graph, tensors, nodes };
}
