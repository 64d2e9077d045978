/**
 * Explains a plan: the reason for each layer, with numbers, and the other exact plans.
 *
 * In: a StreamPlan.  Out: one sentence per layer, in the model's order; the exact alternatives, least work
 * first.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { minOf } from '../lists.ts';
import { edgesOf, interior } from '../stream/edge/edges.ts';
import type { FoldReuse, Layout, SharedRing } from '../stream/edge/layout.ts';
import { repeatedMacs } from '../stream/edge/taps.ts';
import { hasTrunk, type Mode } from '../stream/modes.ts';
import { planChoices } from '../stream/plan.ts';
import type { Point } from '../stream/prefer.ts';
import { timingOf } from '../stream/timing.ts';
import type { AccumulateStep, StreamPlan } from '../stream/types.ts';
import { partsOf } from './print.ts';

export interface LayerReason {
  layer: string;
  why: string;
}

/** One of the exact plans at a hop. */
export interface Alternative {
  mode: Mode;
  macsPerHop: number;
  stateBytes: number;
  /** Ratio to the explained plan: 1.06 is 6 % more. */
  work: number;
  state: number;
  /**
   * Text: number of streamed layers, and how left edges are computed. `again`: layers that compute more rows.
   */
  how: string;
  /** Command line option that selects this plan. */
  option: string;
  chosen: boolean;
}

const number = (n: number): string => Math.round(n).toLocaleString('en');
const some = (n: number, what: string): string => `${number(n)} ${what}${n === 1 ? '' : 's'}`;
const rowsOf = (graph: Graph, id: number): number => viewOf(graph).rows(id);

const wholeWindow = (rows: number): string =>
  rows === 1 ? 'the one row of the window' : `all ${number(rows)} rows of the window`;

/** Returns one sentence per layer. */
export function explainPlan(plan: StreamPlan): LayerReason[] {
  return plan.graph.nodes.map((node) => ({
    layer: node.name,
    why: plan.layout ? edgeReason(plan, node) : hasTrunk(plan.mode) ? streamReason(plan, node) : wholeReason(plan, node),
  }));
}

function edgeReason(plan: StreamPlan, node: Node): string {
  const { graph, layout } = plan;
  const fold = layout?.folds.get(node);
  if (fold) return foldReason(graph, node, fold);
  const at = layout?.streams.get(node.output);
  if (!layout?.trunk.has(node) || !at) return wholeReason(plan, node);
  const left = at.leftEdge?.computed ?? 0;
  const right = at.window?.right ?? 0;
  const computed = at.newRows + left + right;
  const of = `${number(computed)} of ${some(at.rows, 'row')}`;
  const phases = at.phases > 1 ? `streamed, ${at.phases} phases` : 'streamed';
  const taps = layout.taps.get(node);
  if (taps && left + right > 0) {
    const fresh = `${number(at.newRows)} of ${some(at.rows, 'row')} ${at.newRows === 1 ? 'is' : 'are'} new`;
    return `${fresh}; rows that touch an edge (${left} left, ${right} right) are sums of some of its taps, at ${taps.repeatedTaps === 0 ? 'no MACs' : `${number(repeatedMacs(graph, node, taps))} MACs`}; ${phases}`;
  }
  if (left + right === 0) return `${of} ${computed === 1 ? 'is' : 'are'} new, none touches an edge; ${phases}`;
  const repeated = Math.max(0, left - at.left);
  const again = repeated > 0 ? `, ${number(repeated)} of them interior rows` : '';
  return `${of} are new or touch an edge (${at.newRows} new, ${left} left${again}, ${right} right); ${phases}`;
}

function foldReason(graph: Graph, node: Node, fold: FoldReuse): string {
  const [id] = node.inputs as [number];
  if (fold.shared) return partsReason(fold.shared, fold);
  const { stream: at, slots: ahead, slotBytes, totalBytes } = fold;
  const totals = totalBytes > 0 ? ` and ${at.phases} x ${number(totalBytes)} B of running totals` : '';
  const kept = at.newest - at.newRows + 1 - at.left * at.phases + ahead * at.left;
  const instead = kept > 0 ? `${some(kept, 'row')} (${number(kept * viewOf(graph).frameBytes(id))} B)` : 'rows';
  return `one accumulator per waiting window (${ahead} x ${number(slotBytes)} B${totals}) takes less than ${instead}`;
}

/** Explains a fold that reads a ring of rows (edge/parts.ts). */
function partsReason({ first, levels, parts }: SharedRing, { stateBytes, totalBytes, stream }: FoldReuse): string {
  const [rows = 0] = levels;
  const ring = `a ring of ${some(rows, 'row')}${first ? '' : ', kept by another layer'} (${number(stateBytes)} B)`;
  const own = partsOf(parts, stream.rows);
  const of = parts.length > 1 ? `each of ${own} of the window` : own === 'window' ? 'the window' : own;
  if (totalBytes > 0) return `a running sum of ${of}, over ${ring}: rows that enter are added, rows that leave subtracted`;
  return `the maximum of ${of} is that of two maxima over ${ring}`;
}

/** Explains why modes edge-exact and windowed compute a layer whole. */
function wholeReason(plan: StreamPlan, node: Node): string {
  const { graph, layout } = plan;
  const rule = viewOf(graph).rule(node);
  const rows = rowsOf(graph, node.output);
  if (rule.kind !== 'window') return `computed whole: it reads ${wholeWindow(rowsOf(graph, node.inputs[0] ?? -1))}`;
  const edge = edgesOf(graph, plan.hop).get(node.output);
  if (!edge) return 'computed whole: its input is computed whole';
  const clean = interior(edge);
  const counts = `${some(clean, 'interior row')} of ${number(rows)}, ${number(edge.newRows)} new`;
  if (clean < edge.newRows) return `computed whole: ${counts}`;
  if (!layout)
    return `computed whole, as mode windowed does: ${counts}, so edge-exact could reuse ${number(clean - edge.newRows)}`;
  if (graph.nodes.indexOf(node) >= layout.choice.depth)
    return `computed whole: it lies beyond depth ${layout.choice.depth} (${counts})`;
  return `computed whole: its input is computed whole (${counts})`;
}

function streamReason(plan: StreamPlan, node: Node): string {
  const { graph, hop, tensors } = plan;
  const steps = plan.steps.filter((s) => s.node === node);
  const fold = steps.find((s) => s.kind === 'fold')?.fold;
  if (fold) return streamFoldReason(graph, node, fold);
  const slots = steps.find((s) => s.kind === 'accumulate');
  if (slots) return slotsReason(graph, node, slots);
  const at = tensors.get(node.output);
  const rule = viewOf(graph).rule(node);
  const rows = rowsOf(graph, node.output);
  if (at && rule.kind === 'window') {
    const fresh = hop / at.jump;
    const [before, after] = rule.pad;
    if (plan.mode === 'approx' && before + after > 0)
      return `${number(fresh)} of ${some(rows, 'row')} are new at a hop, from the rows of this hop only: it pads at every hop`;
    const padding = before > 0 ? `; real history replaces ${some(before, 'row')} of padding` : '';
    const wait = after > 0 ? `; it waits for ${some(after * (at.jump / rule.stride), 'frame')} of look-ahead` : '';
    return `${number(fresh)} of ${some(rows, 'row')} ${fresh === 1 ? 'is' : 'are'} new at a hop, the others are not computed again${padding}${wait}`;
  }
  if (rule.kind !== 'window') {
    const [id] = node.inputs as [number];
    const held = tensors.get(id);
    const kept = held ? `, ${number(held.historyRows)} of them kept from before` : '';
    return `head: it reads ${wholeWindow(rowsOf(graph, id))}${kept}`;
  }
  const timing = timingOf(graph).get(node.output);
  if (!timing) return 'head: its input is computed at every output';
  if (rows * timing.jump <= hop)
    return `head: ${some(rows, 'row')} of ${some(timing.jump, 'frame')} cover no more than one hop (${number(hop)} frames)`;
  return 'head: its input is computed at every output';
}

function streamFoldReason(graph: Graph, node: Node, { method, slots, slotBytes, stateBytes }: FoldReuse): string {
  const [id] = node.inputs as [number];
  const whole = number(rowsOf(graph, id));
  if (method === 'ring')
    return `a running sum over a ring of ${some(slots, 'row')} (${number(stateBytes)} B): new rows are added, the oldest subtracted`;
  if (method === 'slide') return `maxima of ${slots + 1} hops (${number(stateBytes)} B) replace ${whole} rows`;
  return `running sums: ${slots} x ${number(slotBytes)} B of waiting windows replace ${whole} rows`;
}

function slotsReason(graph: Graph, node: Node, { slots, stateBytes }: AccumulateStep): string {
  const [id] = node.inputs as [number];
  const rows = rowsOf(graph, id);
  const bytes = number(rows * viewOf(graph).frameBytes(id));
  return `one partial result per hop of the window (${slots} x ${number(stateBytes / slots)} B) takes less than ${some(rows, 'row')} (${bytes} B)`;
}

/**
 * Selects at most `count` points: those in `keep`, the first, the last, and those farthest from them in
 * state.
 */
function spread<P extends Point>(all: readonly P[], count: number, keep: (point: P) => boolean): P[] {
  if (all.length <= count) return [...all];
  const picked = new Set<P>(all.filter(keep).slice(0, count));
  const ends = [all[0], all.at(-1)] as P[];
  for (const end of ends) if (picked.size < count) picked.add(end);
  const distance = (a: Point, b: Point) => Math.abs(Math.log((a.stateBytes + 1) / (b.stateBytes + 1)));
  const apart = (point: P) => minOf([...picked].map((other) => distance(point, other)));
  while (picked.size < count) picked.add(all.reduce((best, point) => (apart(point) > apart(best) ? point : best)));
  return all.filter((point) => picked.has(point));
}

/** Returns the number of streamed layers as text, and how their left edges are computed, if there are any. */
function reuseText({ choice: { ahead, recomputed, taps }, trunk, streams }: Layout): string {
  if (trunk.size === 0) return 'every layer whole';
  const layers = some(trunk.size, 'layer');
  if (![...streams.values()].some(({ leftEdge }) => leftEdge)) return layers;
  const more = [...trunk].filter((node) => recomputed.has(node)).length;
  const from = more === trunk.size ? 'from the raw window' : ahead === 0 ? 'when due' : `${some(ahead, 'hop')} ahead`;
  return `${layers}, ${from}${more > 0 && more < trunk.size ? `, ${more} again` : ''}${taps === undefined ? '' : ', tap sums'}`;
}

const modeText: Partial<Record<Mode, string>> = { stream: 'mode stream', windowed: 'every layer whole' };

/** Returns a / b; if b is 0, 1 for a = 0 and else 2. */
const ratio = (a: number, b: number): number => (b === 0 ? Number(a !== 0) + 1 : a / b);

/**
 * Returns exact plans at the plan's hop, least work first; each has more work and less state than the one
 * before. All give the same outputs. The given plan is among them if no other plan is better in both.
 * @param count largest number of plans
 */
export function alternatives(plan: StreamPlan, count = 5): Alternative[] {
  const { points, byPreference } = planChoices(plan);
  const chosen = points.find((p) => p.macs === plan.macsPerHop && p.stateBytes === plan.stateBytes);
  const options = new Map([...byPreference].reverse().map(([prefer, point]) => [point, `--prefer ${prefer}`]));
  return spread(points, count, (p) => p === chosen || options.has(p)).map((point) => {
    const { macs, stateBytes } = point;
    const mode = 'plan' in point ? point.plan.mode : 'edge-exact';
    const other = mode === 'edge-exact' ? `--budget-ram ${stateBytes}` : `--mode ${mode}`;
    return {
      mode,
      macsPerHop: macs,
      stateBytes,
      work: ratio(macs, plan.macsPerHop),
      state: ratio(stateBytes, plan.stateBytes),
      how: 'plan' in point ? (modeText[mode] ?? mode) : reuseText(point.layout),
      option: options.get(point) ?? other,
      chosen: point === chosen,
    };
  });
}
