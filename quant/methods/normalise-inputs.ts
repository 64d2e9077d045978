/**
 * normaliseInputs: scales the channels of an input to one range inside the model, if their ranges differ
 * much.
 *
 * In: a float Graph, a signal `[frames][f][c]` for each input.  Out: the graph with a depthwise layer of
 * kernel 1 behind such an input, and the weights that read the input divided by the gains. This is exact in
 * real numbers, also with padding, because a gain keeps 0. Without it, int8 weights of a convolution would
 * lose small channels: a weight 1,000 times smaller than the largest of its output rounds to 0. The depthwise
 * layer has a weight scale per channel; its input must be int16 (quant/mixed.ts).  Cost: one
 * multiply-accumulate per element.
 */

import { hasWeights, type MacNode, weightChannels, withWeights } from '../../models/graph/channels.ts';
import { type Graph, kernelOfOne, type Node, noClamp } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import { ChannelStats } from './channel-stats.ts';

/** Largest ratio of channel ranges that one weight scale can serve. */
const maxRatio = 8;

/** Returns the gains that give every channel a largest |value| of 1, [c], or undefined if none are needed. */
function gainsOf(signal: Float32Array, channels: number): Float64Array | undefined {
  const stats = new ChannelStats(channels);
  stats.observe(signal);
  const reach = Float64Array.from({ length: channels }, (_, c) => stats.reach(c));
  const present = [...reach].filter((r) => r > 0);
  const largest = maxOf(present);
  if (present.length === 0 || largest <= maxRatio * minOf(present)) return undefined;
  return reach.map((r) => 1 / (r || largest));
}

export function normaliseInputs(graph: Graph, signals: readonly Float32Array[]): Graph {
  const tensors = [...graph.tensors];
  let nodes = [...graph.nodes];
  const before: Node[] = [];
  for (const [i, { tensor, name }] of graph.inputs.entries()) {
    const { shape } = tensors[tensor] as (typeof tensors)[number];
    const readers = viewOf(graph).readers(tensor);
    const gains = gainsOf(signals[i] as Float32Array, shape.c);
    if (!gains || !readers.every(hasWeights) || viewOf(graph).isOutput(tensor)) continue;
    const output = tensors.length;
    tensors.push({ id: output, name: `${name}/normalised`, shape });
    const attrs = {
      ...kernelOfOne,
      multiplier: 1,
      weights: { data: Float32Array.from(gains) },
      bias: null,
      clamp: noClamp,
    };
    before.push({ op: 'depthwise', name: `${name}/normalise`, inputs: [tensor], output, attrs });
    nodes = nodes.map((node) => {
      if (!readers.includes(node as MacNode)) return node;
      const mac = node as MacNode;
      const { input } = weightChannels(mac, shape.c);
      const data = Float32Array.from(mac.attrs.weights.data, (w, k) => w / (gains[input(k)] as number));
      return { ...withWeights(mac, { data }, mac.attrs.bias), inputs: [output] } as Node;
    });
  }
  return before.length > 0 ? { ...graph, tensors, nodes: [...before, ...nodes] } : graph;
}
