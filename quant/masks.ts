/**
 * Attention masks in int8: raises the large negative constants of a mask to just below the scores.
 *
 * In: a plan of a float graph that adds constants far below all scores, calibration data.  Out: a plan of the
 * graph whose mask values lie just below the lowest score, so that scores and mask share one scale. Error:
 * the weight of a masked row is at most e^-10 of any other, a hundredth of an int8 step of the probabilities.
 */
import type { Graph, Node } from '../models/graph/types.ts';
import { maxOf, minOf } from '../models/lists.ts';
import { opOfNode } from '../models/ops/index.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { type CalibrateOptions, visitCalibration } from './calibrate.ts';
import type { Calibration } from './calibration/signals.ts';

type Range = readonly [number, number];

/** A constant below this is a mask: no scores are this low. */
const farBelow = -5e3;
/** Distance of a mask below the lowest score. */
const below = 10;

const maskOf = (node: Node): Float32Array | undefined => {
  const data = opOfNode(node).sums && 'constant' in node.attrs ? node.attrs.constant?.data : undefined;
  return data instanceof Float32Array && minOf(data) < farBelow ? data : undefined;
};

/**
 * Returns the plan with near masks. Yields the completed share after each piece of data.
 * @param planFor plans another graph with the same options
 */
export function* nearMasks(
  plan: StreamPlan,
  data: Calibration,
  how: CalibrateOptions,
  planFor: (plan: StreamPlan, graph: Graph) => StreamPlan,
): Generator<number, StreamPlan, undefined> {
  const scores = new Map(plan.graph.nodes.flatMap((node) => (maskOf(node) ? [[node.inputs[0] as number, [0, 0] as Range]] : [])));
  if (scores.size === 0) return plan;
  yield* visitCalibration(plan, data, how, (tensor, values) => {
    const range = scores.get(tensor);
    if (range) scores.set(tensor, [Math.min(range[0], minOf(values)), Math.max(range[1], maxOf(values))]);
  });
  return planFor(
    plan,
    withNearMasks(plan.graph, (tensor) => scores.get(tensor) ?? [0, 0]),
  );
}

function withNearMasks(graph: Graph, range: (tensor: number) => Range): Graph {
  const nodes = graph.nodes.map((node): Node => {
    const mask = maskOf(node);
    if (!mask || !('constant' in node.attrs)) return node;
    const [low, high] = range(node.inputs[0] as number);
    const biases = mask.filter((v) => v >= farBelow);
    const lowest = low + Math.min(0, minOf(biases.length > 0 ? biases : [0]));
    const data = mask.map((v) => (v < farBelow ? lowest - high - below : v));
    const { clamp } = node.attrs;
    return {
      ...node,
      attrs: { ...node.attrs, constant: { data }, clamp: [Math.max(clamp[0], lowest - below), clamp[1]] },
    } as Node;
  });
  return { ...graph, nodes };
}
