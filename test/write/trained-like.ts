/**
 * Random networks whose values keep their size from layer to layer, as with initialisers and batch
 * normalisation, quantised by this project's quantiser.
 *
 * In: a NetworkSpec of test/property.  Out: an int8 Graph.  The random int8 networks of that generator have
 * values and logits of any size, so that one step in a layer changes the outputs completely. These networks
 * behave like trained ones.
 */
import { type Clamp, type Graph, type Node, noClamp } from '../../models/graph/types.ts';
import { quantize } from '../../quant/quantize.ts';
import { makeNetwork, type NetworkSpec, random } from '../property/random-network.ts';
import { dequantised } from '../read/onnx-oracle.ts';

/**
 * Scales the weights to a variance of 1 / taps and keeps the bias small, so that the variance of the values
 * stays. The clamp becomes a ReLU or none, without the range of saturation.
 */
function calm(node: Node): Node {
  if (!('clamp' in node.attrs)) return node;
  const clamp: Clamp = node.attrs.clamp[0] === 0 ? [0, Number.POSITIVE_INFINITY] : noClamp;
  if (!('weights' in node.attrs)) return { ...node, attrs: { ...node.attrs, clamp } } as Node;
  const { weights, bias } = node.attrs;
  const data = weights.data as Float32Array;
  const outputs = bias?.length ?? (node.op === 'dense' ? node.attrs.units : node.op === 'conv' ? node.attrs.outChannels : 1);
  const energy = data.reduce((sum, w) => sum + w * w, 0) / Math.max(1, outputs);
  const gain = 1 / Math.sqrt(energy || 1);
  const attrs = {
    ...node.attrs,
    clamp,
    weights: { data: data.map((w) => w * gain) },
    bias: bias && Float32Array.from(bias, (b) => 0.1 * b * gain),
  };
  return { ...node, attrs } as Node;
}

export function trainedLike(spec: NetworkSpec): Graph {
  const float = dequantised(makeNetwork(spec));
  const graph: Graph = { ...float, nodes: float.nodes.map(calm) };
  const { t, f, c } = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };
  const rnd = random(spec.seed ^ 0x51);
  const signal = Float32Array.from({ length: 24 * t * f * c }, () => 4 * rnd() - 2);
  return quantize(graph, signal, { hop: t, mode: 'windowed', preset: 'fast', noReport: true }).graph;
}
