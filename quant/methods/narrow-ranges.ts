/**
 * narrowRanges: narrows ranges if this reduces the noise at the model's outputs.
 *
 * In: the plan of a float graph, calibration data, observed and chosen ranges, the rule for scales.
 * Out: the narrower ranges, by tensor.
 * Why: rare peaks of a signal make its range wide, because clipping them causes a large squared error. The
 * network may need their height less than the small steps that a wide range loses.
 * Rule: each tensor (with those that share its scale) is rounded alone, with ranges of 1 to 0.21 times the
 * observed one, and the outputs are compared with the exact ones. A range is accepted if its noise is below
 * 0.4 of the original noise, both in the even and in the odd windows, because a gain in a few windows may be
 * a loss with other data. Tensors with little noise (40 dB) keep their range. Of a tensor that only a softmax
 * reads, only the lower end moves: low scores all become 0, but clipping would make the largest scores equal.
 *
 * Source: Nahshan et al. 2019, arXiv 1911.07190 (loss aware post-training quantisation). The loss here is the
 * squared error of the outputs, which needs no labels. Tensors are tried one by one, because their errors are
 * small and add up.  Cost: a run of 48 windows per tensor, of the nodes behind it. A tensor with noise needs
 * up to ten more, or 25 before a softmax.
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

/** Share of the observed range in trial k: 0.21 in the last of 10 trials, 0.015 in the last of 25. */
const share = (k: number): number => 2 ** (-k / 4);
/** Number of trials, and of those in which only the lower end moves. */
const [tried, triedBelow] = [10, 25];
/** A narrower range is accepted below this share of the original noise. */
const acceptedShare = 0.4;
/**
 * A tensor with less noise over signal is skipped. Trials stop at 16 times the lowest noise, because still
 * narrower ranges only clip more.
 */
const [negligible, hopeless] = [1e-4, 16];

export interface NarrowOptions {
  /** Tensors to try: model inputs and inputs of saturating operators, or all tensors except outputs. */
  of: 'inputs' | 'all';
  windows?: number;
}

/** Returns about `windows` windows of calibration data, in parts without a seam. */
function partsOf(plan: StreamPlan, data: Calibration, windows: number): Float32Array[][] {
  const pieces = piecesOf(data);
  const count = Math.min(pieces.length, windows);
  const chosen = Array.from(
    { length: count },
    (_, k) => pieces[Math.floor((k * pieces.length) / count)] as (typeof pieces)[number],
  );
  return chosen.flatMap((piece) => spreadWindows(plan, piece, Math.ceil(windows / count)));
}

/** Returns a function for the noise at the outputs with some tensors rounded, in even and in odd windows. */
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
 * Yields the completed share, 0 to 1.
 * @param seen minimum and maximum of each tensor
 * @param ranges range of each tensor, chosen by its own squared error
 * @param scalesOf computes the scales of all tensors from ranges
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
    const original = noise(ids, scalesOf(ranges));
    let lowest = maxOf(original);
    const scores = ids.every((id) => readersAre(plan.graph, id, (op) => op.scores === true));
    const count = lowest < negligible ? 0 : scores ? triedBelow : tried;
    for (let k = 0; k < count; k++) {
      const range: Range = [low * share(k), scores ? high : high * share(k)];
      const made = noise(ids, scalesOf(new Map([...ranges, ...ids.map((id) => [id, range] as const)])));
      const worst = maxOf(made);
      if (worst > hopeless * lowest) break;
      if (worst >= lowest) continue;
      lowest = worst;
      if (made.every((n, k) => n < acceptedShare * (original[k] as number))) for (const id of ids) better.set(id, range);
    }
    yield (i + 1) / groups.length;
  }
  return better;
}

const readersAre = (graph: Graph, id: number, are: (op: OpDef<OpName>, node: Node) => boolean): boolean => {
  const readers = viewOf(graph).readers(id);
  return readers.length > 0 && readers.every((node) => are(opOfNode(node), node));
};

/** Whether all readers of the tensor have bounded outputs, with a scale fixed by the 8-bit specification. */
const saturates = (graph: Graph, id: number): boolean =>
  readersAre(graph, id, (op, node) => op.fixed?.(node.attrs) !== undefined);

/** Whether a group may be narrowed: it has no output, and with `inputs` it has an input or saturates. */
function mayNarrow(graph: Graph, ids: readonly number[], of: NarrowOptions['of']): boolean {
  const view = viewOf(graph);
  return !ids.some(view.isOutput) && (of === 'all' || ids.some((id) => !view.producer(id) || saturates(graph, id)));
}
