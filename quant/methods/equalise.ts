/**
 * Equalisation: scales the channels of a tensor against each other, so that one int8 scale fits all of them.
 * The weights of readers are scaled inversely.
 *
 *     x'_c = x_c / s_c,   W'_{o,c} = W_{o,c} s_c,   s_c = reach(x_c)^a / reach(W_c)^(1 - a)
 *
 * In real numbers the network computes the same. Among a = 0, 1/4, ... 1 and s = 1, the scales with the
 * smallest expected error at the readers' outputs are chosen:
 *
 *     error = sum over o of ( step_x^2 / 12 * sum_k W'_{o,k}^2  +  step_{W,o}^2 / 12 * sum_k E[x'_k^2] )
 *
 * If the error falls by less than a tenth, nothing changes. Nodes that write the tensor lose no accuracy,
 * because their weights have one scale per output channel.
 * Source: Nagel et al. 2019, arXiv 1906.04721, section 4.1 (between layers, a = 1/2 with ranges of weights);
 * Xiao et al. 2022, arXiv 2211.10438, section 4 (with ranges of activations).  Cost: five passes over the
 * weights.
 */

import { type MacNode, weightChannels, withWeights } from '../../models/graph/channels.ts';
import type { Graph, Node } from '../../models/graph/types.ts';
import { maxOf } from '../../models/lists.ts';
import type { ChannelStats } from './channel-stats.ts';
import { type ScaleGroup, scaleGroups } from './scale-groups.ts';

export interface Equalised {
  graph: Graph;
  /** One entry for each scaled group of tensors, with the expected error at its readers before and after. */
  changes: { tensor: string; alpha: number; errorBefore: number; errorAfter: number }[];
}

/** Largest factor of a channel relative to the geometric mean. */
const maxFactor = 2 ** 12;

interface Reader {
  node: MacNode;
  /** Statistics of its input. */
  stats: ChannelStats;
  input: Int32Array;
  output: Int32Array;
  outputs: number;
}

/** Returns the largest absolute weight that readers apply to each channel, [c]. */
function readerReach(readers: readonly Reader[], channels: number): Float64Array {
  const reach = new Float64Array(channels);
  for (const { node, input } of readers)
    for (const [i, w] of node.attrs.weights.data.entries()) {
      const c = input[i] as number;
      reach[c] = Math.max(reach[c] as number, Math.abs(w));
    }
  return reach;
}

/**
 * Returns the scales for an exponent, [c], with geometric mean 1. The scale of channels that are always 0, or
 * that no weight reads, is 1. @param x largest |value|, [c]  @param w largest |weight|, [c]
 */
function scalesFor(alpha: number, x: Float64Array, w: Float64Array): Float64Array {
  const logs = Float64Array.from(x, (reach, c) =>
    reach > 0 && (w[c] as number) > 0 ? alpha * Math.log(reach) - (1 - alpha) * Math.log(w[c] as number) : Number.NaN,
  );
  const known = logs.filter((v) => !Number.isNaN(v));
  const mean = known.reduce((a, b) => a + b, 0) / Math.max(1, known.length);
  const limit = Math.log(maxFactor);
  return logs.map((v) => (Number.isNaN(v) ? 1 : Math.exp(Math.max(-limit, Math.min(limit, v - mean)))));
}

/** Returns the width of the range of a tensor whose channels are divided by s. */
function scaledSpan(stats: ChannelStats, s: Float64Array): number {
  let [low, high] = [0, 0];
  for (let c = 0; c < stats.channels; c++) {
    low = Math.min(low, (stats.low[c] as number) / (s[c] as number));
    high = Math.max(high, (stats.high[c] as number) / (s[c] as number));
  }
  return high - low;
}

function expectedError(readers: readonly Reader[], s: Float64Array): number {
  let error = 0;
  for (const { node, stats, input, output, outputs } of readers) {
    const stepX = scaledSpan(stats, s) / 255;
    const squares = new Float64Array(outputs);
    const power = new Float64Array(outputs);
    const reach = new Float64Array(outputs);
    for (const [i, weight] of node.attrs.weights.data.entries()) {
      const c = input[i] as number;
      const o = output[i] as number;
      const scale = s[c] as number;
      const w = Math.abs(weight) * scale;
      squares[o] = (squares[o] as number) + w * w;
      power[o] = (power[o] as number) + stats.meanSquare(c) / scale ** 2;
      if (w > (reach[o] as number)) reach[o] = w;
    }
    for (let o = 0; o < outputs; o++)
      error += (stepX ** 2 * (squares[o] as number) + ((reach[o] as number) / 127) ** 2 * (power[o] as number)) / 12;
  }
  return error;
}

const tries = [0, 0.25, 0.5, 0.75, 1];

/** Equalises a float graph. @param statsOf channel statistics from calibration, by tensor id */
export function equalise(graph: Graph, statsOf: ReadonlyMap<number, ChannelStats>): Equalised {
  const nodes = new Map<Node, Node>(graph.nodes.map((n) => [n, n]));
  const changes: Equalised['changes'] = [];
  for (const group of scaleGroups(graph)) {
    const chosen = choose(graph, group, nodes, statsOf);
    if (!chosen) continue;
    const { s, ...change } = chosen;
    changes.push(change);
    for (const node of group.writers)
      nodes.set(
        node,
        scaled(nodes.get(node) as MacNode, graph, (_, o) => 1 / (s[o] as number), s),
      );
    for (const node of group.readers)
      nodes.set(
        node,
        scaled(nodes.get(node) as MacNode, graph, (c) => s[c] as number),
      );
  }
  return { graph: { ...graph, nodes: graph.nodes.map((n) => nodes.get(n) as Node) }, changes };
}

function choose(
  graph: Graph,
  group: ScaleGroup,
  nodes: ReadonlyMap<Node, Node>,
  statsOf: ReadonlyMap<number, ChannelStats>,
): (Equalised['changes'][number] & { s: Float64Array }) | undefined {
  const widest = group.tensors.map((id) => statsOf.get(id)).filter((s) => s !== undefined);
  const readers = group.readers.flatMap((original): Reader[] => {
    const node = nodes.get(original) as MacNode;
    const stats = statsOf.get(node.inputs[0] as number);
    if (!stats) return [];
    const { outputs, input, output } = weightChannels(node, group.channels);
    const { length } = node.attrs.weights.data;
    const each = (channel: (i: number) => number) => Int32Array.from({ length }, (_, i) => channel(i));
    return [{ node, stats, outputs, input: each(input), output: each(output) }];
  });
  if (readers.length < group.readers.length) return undefined;
  const reach = Float64Array.from({ length: group.channels }, (_, c) => Math.max(0, maxOf(widest.map((t) => t.reach(c)))));
  const none = new Float64Array(group.channels).fill(1);
  const errorBefore = expectedError(readers, none);
  const weights = readerReach(readers, group.channels);
  let best: { s: Float64Array; alpha: number; errorAfter: number } = { s: none, alpha: Number.NaN, errorAfter: errorBefore };
  for (const alpha of tries) {
    const s = scalesFor(alpha, reach, weights);
    const errorAfter = expectedError(readers, s);
    if (errorAfter < best.errorAfter) best = { s, alpha, errorAfter };
  }
  // a gain below a tenth does not justify changed weights
  if (best.s === none || best.errorAfter > 0.9 * errorBefore) return undefined;
  return { tensor: graph.tensors[group.tensors[0] as number]?.name ?? '', errorBefore, ...best };
}

function scaled(
  node: MacNode,
  graph: Graph,
  factor: (input: number, output: number) => number,
  divideBias?: Float64Array,
): MacNode {
  const { input, output } = weightChannels(node, graph.tensors[node.inputs[0] as number]?.shape.c ?? 0);
  const { weights, bias } = node.attrs;
  const data = Float32Array.from(weights.data, (w, i) => w * factor(input(i), output(i)));
  const moved =
    bias && divideBias ? Float32Array.from(bias, (b, o) => b / (divideBias[o] as number)) : (bias as Float32Array | null);
  const { moments } = node.attrs;
  const divided = (of: Float64Array) => of.map((v, o) => v / (divideBias?.[o] ?? 1));
  const attrs = {
    ...node.attrs,
    ...(moments && { moments: { mean: divided(moments.mean), deviation: divided(moments.deviation) } }),
  };
  return withWeights({ ...node, attrs } as MacNode, { ...weights, data }, moved);
}
