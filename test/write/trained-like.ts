/**
 * Random networks whose values keep their size from layer to layer, as initialisers and batch norm see to it,
 * quantised by our own quantiser.
 *
 * In: a NetworkSpec of test/property.  Out: an int8 Graph.  The random int8 networks of that generator have
 * values and logits of any size, so that one step in a layer flips whole outputs behind it; these are as calm
 * as what people train.
 */
import { type Clamp, type Graph, type Node, noClamp } from '../../models/graph/types.ts';
import { quantize } from '../../quant/quantize.ts';
import { makeNetwork, type NetworkSpec, random } from '../property/random-network.ts';
import { dequantised } from '../read/onnx-oracle.ts';

/**
 * Variance kept: weights of variance 1 / taps, a small bias. The clamp is the relu or none: what saturation
 * added is left out.
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
