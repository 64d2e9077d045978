/**
 * channelGains: how much an error of each channel of a tensor changes the output. The gains weight errors
 * when ranges are chosen by squared error.
 *
 *     gain_x[c] = sum over readers, over their weights w of input channel c:  w^2 gain_y[output of w]
 *
 * scaled so that the mean over channels is 1.
 *
 * An error e of channel c causes an error of power e^2 gain[c] behind the layers that read it, if errors are
 * uncorrelated and clamps do not act. Operators without weights pass the gain on (sums, pools,
 * concatenations, slices), or weight every channel equally.
 * In: a float Graph.  Out: gains by tensor id, [c]; no entry for tensors without a reader.  Cost: one pass
 * over the weights.
 */
import { hasWeights, weightChannels } from '../../models/graph/channels.ts';
import type { Graph, Node } from '../../models/graph/types.ts';
import { opOfNode } from '../../models/ops/index.ts';

/** Smallest gain of a channel, also if its weights are almost 0. */
const minGain = 1e-3;

/** Returns the gains that a node gives its input number `which`, [channels]. */
function throughNode(
  node: Node,
  which: number,
  channels: number,
  graph: Graph,
  gains: ReadonlyMap<number, Float64Array>,
): Float64Array {
  const y = gains.get(node.output);
  const one = new Float64Array(channels).fill(1);
  if (hasWeights(node)) {
    const gain = new Float64Array(channels);
    const { input, output } = weightChannels(node, channels);
    for (const [i, w] of node.attrs.weights.data.entries())
      gain[input(i)] = (gain[input(i)] as number) + w * w * (y?.[output(i)] ?? 1);
    return gain;
  }
  if (!y) return one;
  const all = node.inputs.map((id) => graph.tensors[id]?.shape.c ?? 0);
  const x = opOfNode(node).inputChannels?.(node.attrs, y, which, all) ?? y;
  return x.length === channels ? x : one;
}

export function channelGains(graph: Graph): Map<number, Float64Array> {
  const gains = new Map<number, Float64Array>();
  const add = (id: number, gain: Float64Array) => {
    const sum = gains.get(id);
    gains.set(id, sum ? sum.map((g, c) => g + (gain[c] as number)) : gain);
  };
  for (const node of [...graph.nodes].reverse()) {
    const y = gains.get(node.output);
    if (y) gains.set(node.output, normalised(y));
    for (const [which, id] of node.inputs.entries())
      add(id, throughNode(node, which, graph.tensors[id]?.shape.c ?? 0, graph, gains));
  }
  for (const { tensor } of graph.inputs) {
    const x = gains.get(tensor);
    if (x) gains.set(tensor, normalised(x));
  }
  return gains;
}

function normalised(gain: Float64Array): Float64Array {
  const mean = gain.reduce((a, b) => a + b, 0) / gain.length;
  return mean > 0 ? gain.map((g) => Math.max(minGain, g / mean)) : gain.fill(1);
}
