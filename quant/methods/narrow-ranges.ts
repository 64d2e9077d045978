/**
 * Ranges that become narrower because the model's outputs say so.
 *
 * In: the plan of a float graph, calibration data, ranges and scales as the values themselves want them.
 * Out: the ranges that are better at the outputs, by tensor. A vibration sensor's few large strokes need a
 * wide range by their own squared error; the network behind it may learn nothing from their height, and much
 * from the small steps that a wide range loses. So each tensor (with those that share its scale) is rounded
 * alone, over ranges of 1 to 0.21 times what was seen, and the outputs are compared with the exact ones. A
 * range is taken where it leaves less than 0.4 of the noise in every second window, and in the others: what
 * few windows gain by clipping, other data may lose. Tensors that cost nothing to speak of (40 dB) stay as
 * they are. What a softmax alone reads loses its lowest values only: far below the largest score all come out
 * as 0, but two largest that are cut would be one.
 *
 * Source: Nahshan et al. 2019, arXiv 1911.07190 (loss aware post-training quantisation), with the squared
 * error of the outputs, which needs no labels, for the loss, and tensors one by one: their errors are small
 * and add up.  Cost: a run of 48 windows a tensor, of what depends on it; up to ten more where it costs
 * something.
 */

import type { Graph, Node, OpName, QuantParams } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { maxOf } from '../../models/lists.ts';
import { opOfNode } from '../../models/ops/index.ts';
import type { OpDef } from '../../models/ops/op.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { type Calibration, piecesOf } from '../calibration/signals.ts';
import { KeptRuns } from './kept-runs.ts';
import { noiseOf, roundTo, sharedGroups, spreadWindows } from './sensitivity.ts';

type Range = [number, number];
type Ranges = ReadonlyMap<number, Range>;
type Scales = ReadonlyMap<number, QuantParams>;

/** Of what was seen; 0.21 and more are tried, 0.015 and more of lowest values alone. */
const share = (k: number): number => 2 ** (-k / 4);
const [tried, triedBelow] = [10, 25];
/** Of the noise that the values' own range makes; less than this is worth leaving it. */
const worthIt = 0.4;
/**
 * Noise over signal that nothing need be done about, and times the least noise from which narrower ranges
 * only clip more.
 */
const [negligible, hopeless] = [1e-4, 16];

export interface NarrowOptions {
  /** Inputs of the model and of what saturates, or every tensor but its outputs. */
  of: 'inputs' | 'all';
  windows?: number;
}

/** Windows of calibration data, in parts without a seam. */
function partsOf(plan: StreamPlan, data: Calibration, windows: number): Float32Array[][] {
  const pieces = piecesOf(data);
  const count = Math.min(pieces.length, windows);
  const chosen = Array.from(
    { length: count },
    (_, k) => pieces[Math.floor((k * pieces.length) / count)] as (typeof pieces)[number],
  );
  return chosen.flatMap((piece) => spreadWindows(plan, piece, Math.ceil(windows / count)));
}

/** Noise at the outputs with some tensors rounded: of every second window, and of the others. */
function halvesOf(plan: StreamPlan, runs: KeptRuns): (ids: readonly number[], scales: Scales) => [number, number] {
  const ports = plan.graph.outputs.length;
  const half = (outputs: Float32Array[], odd: number) => outputs.filter((_, k) => Math.floor(k / ports) % 2 === odd);
  return (ids, scales) => {
    const other = runs.again(ids, roundTo(scales));
    const noise = (odd: number) => noiseOf(half(runs.exact, odd), half(other, odd));
    return [noise(0), noise(1)];
  };
}

/**
 * Yields its progress, 0 to 1.
 * @param seen least and largest value of each tensor
 * @param scalesOf scales of all tensors, of ranges
 */
export function* narrowRanges(
  plan: StreamPlan,
  data: Calibration,
  seen: Ranges,
  ranges: Ranges,
  scalesOf: (ranges: Ranges) => Scales,
  { of, windows = 48 }: NarrowOptions,
): Generator<number, Map<number, Range>, undefined> {
  const noise = halvesOf(plan, new KeptRuns(plan, partsOf(plan, data, windows)));
  const groups = sharedGroups(plan.graph).filter((ids) => mayNarrow(plan.graph, ids, of));
  const better = new Map<number, Range>();
  for (const [i, ids] of groups.entries()) {
    const [low, high] = seen.get(ids[0] as number) ?? [0, 0];
    const own = noise(ids, scalesOf(ranges));
    let least = maxOf(own);
    const scores = ids.every((id) => readersAre(plan.graph, id, (op) => op.scores === true));
    const count = least < negligible ? 0 : scores ? triedBelow : tried;
    for (let k = 0; k < count; k++) {
      const range: Range = [low * share(k), scores ? high : high * share(k)];
      const made = noise(ids, scalesOf(new Map([...ranges, ...ids.map((id) => [id, range] as const)])));
      const worst = maxOf(made);
      if (worst > hopeless * least) break;
      if (worst >= least) continue;
      least = worst;
      if (made.every((n, k) => n < worthIt * (own[k] as number))) for (const id of ids) better.set(id, range);
    }
    yield (i + 1) / groups.length;
  }
  return better;
}

const readersAre = (graph: Graph, id: number, are: (op: OpDef<OpName>, node: Node) => boolean): boolean => {
  const readers = viewOf(graph).readers(id);
  return readers.length > 0 && readers.every((node) => are(opOfNode(node), node));
};

/** Whether all that reads the tensor has outputs between bounds, which the 8-bit specification fixes. */
const saturates = (graph: Graph, id: number): boolean =>
  readersAre(graph, id, (op, node) => op.fixed?.(node.attrs) !== undefined);

/** None of the tensors is an output, and one is an input where inputs alone are wanted. */
function mayNarrow(graph: Graph, ids: readonly number[], of: NarrowOptions['of']): boolean {
  const view = viewOf(graph);
  return !ids.some(view.isOutput) && (of === 'all' || ids.some((id) => !view.producer(id) || saturates(graph, id)));
}
