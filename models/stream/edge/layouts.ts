/**
 * All layouts that edge-exact chooses from, each with its work and state. All give the same bytes.
 *
 * In: a Graph, a hop, and constraints (depth, micro-hop).  Out: points of work and state, grouped by depth.
 * At each depth every `ahead` is tried, with and without tap sums. Starting from the best of these, one layer
 * after another recomputes the interior rows that left edges read (Choice.recomputed).
 * Source: edge-exact proof, sections 4 (keep, fork, cone) and 5.
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { append, maxOf, minOf } from '../../lists.ts';
import { addsOf } from '../adds.ts';
import type { Point } from '../prefer.ts';
import { movedBytes, workspaceOf } from '../workspace.ts';
import { edgesOf } from './edges.ts';
import type { Choice, Edge, Layout } from './layout.ts';
import { rowsReadBy } from './parts.ts';
import { needsBuffer } from './plan.ts';
import { historyOf, layoutOf, reusingNodes } from './reuse.ts';
import { repeatedMacs } from './taps.ts';

export interface LayoutPoint extends Point {
  layout: Layout;
}

/** Limits of the search. */
export interface Constraints {
  /** Number of first nodes that may reuse rows. Default: all. */
  depth?: number;
  /** Ticks that pass through the layers at once. Default: the hop. */
  microHop?: number;
  /** Returns the work beyond which recomputing stops, given the least work at a depth. Default: no limit. */
  workLimit?: (leastWork: number) => number;
}

/** Upper bound of the values of `ahead` that are tried at one depth. A choice. */
const maxAheads = 256;

const none: ReadonlySet<Node> = new Set();

/** Makes the point of a choice; undefined if the choice is not possible. */
type Make = (choice: Choice) => LayoutPoint | undefined;

/**
 * Returns, by tensor id, the rows that an output computes or copies: edges, and windows that are not
 * contiguous in their stream.
 */
function gatheredRows({ streams }: Layout): Map<number, number> {
  const rows = new Map<number, number>();
  for (const [id, at] of streams) {
    const { leftEdge, window, phases } = at;
    const lefts = leftEdge && (leftEdge.computed > 0 || phases > 1) ? leftEdge.rows : 0;
    rows.set(id, lefts + (window && needsBuffer(at) ? at.rows - window.first : 0));
  }
  return rows;
}

function maker(graph: Graph, hop: number, microHop: number, edges: Map<number, Edge>): Make {
  const view = viewOf(graph);
  return (choice) => {
    const layout = layoutOf(graph, hop, choice, microHop, edges);
    if (!layout) return undefined;
    const of = (node: Node) =>
      view.macsPerRow(node) * (layout.rows.get(node) ?? 0) + repeatedMacs(graph, node, layout.taps.get(node));
    const macs = graph.nodes.reduce((sum, node) => sum + of(node), 0);
    const workspaceBytes = workspaceOf(graph, layout.trunk, gatheredRows(layout));
    const computed = (node: Node) => (layout.trunk.has(node) ? layout.rows.get(node) : undefined);
    const folded = (node: Node) => {
      const fold = layout.folds.get(node);
      return fold && rowsReadBy(fold);
    };
    const adds = addsOf(graph, computed, folded);
    const histories = [...layout.streams].map(([id, stream]) => [id, historyOf(stream)] as const);
    const moves = movedBytes(graph, histories, hop / microHop);
    return { layout, macs, adds, moves, stateBytes: layout.stateBytes, workspaceBytes };
  };
}

/** Returns layers whose interior rows left edges read from the stream, but could recompute. */
const readingBack = ({ choice, trunk, taps, streams }: Layout): Node[] =>
  [...trunk].filter((node) => {
    const left = streams.get(node.output)?.leftEdge;
    return left && left.rows > left.computed && !taps.has(node) && !choice.recomputed.has(node);
  });

/**
 * Starting at `from`, makes one more layer at a time recompute rows: the layer that saves the most state per
 * added multiply-accumulate. Ends above `maxMacs`, or if no layer saves state.
 */
function* recomputeFrom(from: LayoutPoint, make: Make, maxMacs: number): Generator<LayoutPoint> {
  for (let at = from; at.macs <= maxMacs; ) {
    let best: LayoutPoint | undefined;
    let bestSaving = 0;
    for (const node of readingBack(at.layout)) {
      const { choice } = at.layout;
      const found = make({ ...choice, recomputed: new Set(choice.recomputed).add(node) });
      if (!found) continue;
      const saving = (at.stateBytes - found.stateBytes) / (found.macs - at.macs + 1);
      if (saving > bestSaving) [bestSaving, best] = [saving, found];
    }
    if (!best) return;
    at = best;
    yield best;
  }
}

/** Returns where recomputing starts: the layout with the least state, and those with `ahead` 0. */
function startsOf(points: readonly LayoutPoint[]): Set<LayoutPoint> {
  const [first] = points;
  if (!first) return new Set();
  const best = points.reduce((a, b) => (b.stateBytes < a.stateBytes ? b : a), first);
  return new Set([best, ...points.filter(({ layout }) => layout.choice.ahead === 0)]);
}

/** Returns up to eight smaller numbers of left-edge rows with records, evenly spaced. */
function fewerRecords({ taps }: Layout): number[] {
  const recorded = maxOf([...taps.values()].map((t) => t.recorded));
  return [...new Set(Array.from({ length: 8 }, (_, i) => Math.floor((recorded * i) / 8)))].filter((n) => n < recorded);
}

/** Returns all layouts of one depth. */
function layoutsAt(graph: Graph, hop: number, depth: number, make: Make, { workLimit }: Constraints): LayoutPoint[] {
  const hops = Math.floor(viewOf(graph).clock.window / hop);
  const stride = Math.max(1, Math.ceil(hops / maxAheads));
  const found: LayoutPoint[] = [];
  const [sums, plain]: LayoutPoint[][] = [[], []];
  for (let ahead = hops; ahead >= 0; ahead = ahead === 0 ? -1 : Math.max(0, ahead - stride)) {
    const withSums = make({ ahead, recomputed: none, depth, taps: Number.POSITIVE_INFINITY });
    const without = make({ ahead, recomputed: none, depth });
    if (withSums) sums?.push(withSums);
    if (without) plain?.push(without);
    append(
      found,
      [withSums, without].filter((p) => p !== undefined),
    );
  }
  const starts = startsOf(plain ?? []);
  for (const start of startsOf(sums ?? [])) {
    starts.add(start);
    for (const taps of fewerRecords(start.layout)) {
      const point = make({ ...start.layout.choice, taps });
      if (!point) continue;
      found.push(point);
      starts.add(point);
    }
  }
  const maxMacs = workLimit?.(minOf(found.map((p) => p.macs))) ?? Number.POSITIVE_INFINITY;
  for (const start of starts) append(found, recomputeFrom(start, make, maxMacs));
  const raw = make({ ahead: 0, recomputed: new Set(graph.nodes), depth });
  if (raw) found.push(raw);
  return found;
}

/** Yields the layouts of each depth, deepest first. Depths that stream the same nodes are visited once. */
export function* layoutsByDepth(graph: Graph, hop: number, constraints: Constraints = {}): Generator<LayoutPoint[]> {
  const { depth = graph.nodes.length, microHop = hop } = constraints;
  const edges = edgesOf(graph, hop);
  const reusing = reusingNodes(graph, edges, depth);
  const make = maker(graph, hop, microHop, edges);
  const depths = graph.nodes.flatMap((n, i) => (reusing.has(n) ? [i + 1] : [])).reverse();
  for (const d of [...depths, 0]) yield layoutsAt(graph, hop, d, make, constraints);
}
