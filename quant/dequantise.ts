/**
 * dequantise: converts an int8 graph to the real numbers that its integers represent.
 *
 * In: an int8 Graph.  Out: a float Graph with the same tensors and nodes. Its weights and biases keep their
 * rounding; its activations are not rounded.
 */
import { hasWeights, weightChannels, withWeights } from '../models/graph/channels.ts';
import { isRecurrent } from '../models/graph/recurrent.ts';
import type { Graph, Node, QuantParams, Tensor, Weights } from '../models/graph/types.ts';
import { realOf } from '../models/ops/sliding.ts';

type Bias = Float32Array | Int32Array | null;

/** Returns weights and bias in float. @param output output of weight i  @param x what the weights multiply */
function real({ data, scales }: Weights, bias: Bias, output: (i: number) => number, x: QuantParams | undefined) {
  const scale = (o: number) => (scales?.[o] ?? scales?.[0] ?? 1) as number;
  const weights: Weights = { data: Float32Array.from(data, (q, i) => q * scale(output(i))) };
  return { weights, bias: bias && Float32Array.from(bias, (q, o) => q * (x?.scale ?? 1) * scale(o)) };
}

export function dequantise(graph: Graph): Graph {
  const tensors = graph.tensors.map(({ quant: _, ...t }): Tensor => t);
  const nodes = graph.nodes.map((node): Node => {
    if (isRecurrent(node)) {
      const { recurrent, recurrentBias, units } = node.attrs;
      const cell = real(recurrent, recurrentBias, (i) => Math.floor(i / units), graph.tensors[node.output]?.quant);
      return { ...node, attrs: { ...node.attrs, recurrent: cell.weights, recurrentBias: cell.bias } } as Node;
    }
    if ('constant' in node.attrs && node.attrs.constant)
      return { ...node, attrs: { ...node.attrs, constant: { data: realOf(node.attrs.constant) } } } as Node;
    if (!hasWeights(node)) return node;
    const x = graph.tensors[node.inputs[0] as number] as Tensor;
    const { output } = weightChannels(node, x.shape.c);
    const layer = real(node.attrs.weights, node.attrs.bias, output, x.quant);
    return withWeights(node, layer.weights, layer.bias);
  });
  return { ...graph, tensors, nodes };
}
