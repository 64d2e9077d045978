/**
 * All layouts that edge-exact chooses from, each with its work and state.
 *
 * In: a Graph, a hop, and what is fixed (depth, micro-hop).  Out: points of work and state, by depth. A depth
 * has every `ahead`, with and without tap sums. From the best of these on, layer after layer computes rows of
 * its left edge again.  Source: edge-exact proof, sections 4 (keep, fork, cone) and 5.  All layouts give the
 * same bytes.
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { append, maxOf, minOf } from '../../lists.ts';
import type { Point } from '../prefer.ts';
import { workspaceOf } from '../workspace.ts';
import { edgesOf } from './edges.ts';
import type { Choice, Edge, Layout } from './layout.ts';
import { needsBuffer } from './plan.ts';
import { layoutOf, reusingNodes } from './reuse.ts';
import { againMacs } from './taps.ts';

export interface LayoutPoint extends Point {
  layout: Layout;
}

/** What a choice of layout is not free in. */
export interface Fixed {
  /** Reuse rows in the first `depth` nodes only. */
  depth?: number;
  /** Frames that pass through the layers at once. */
  microHop?: number;
  /** Most work that is of interest, where some layout of a depth does so little. */
  mostWork?: (least: number) => number;
}

/** Most values of `ahead` that are tried at one depth. */
const mostAheads = 256;

const none: ReadonlySet<Node> = new Set();

type Make = (choice: Choice) => LayoutPoint | undefined;

/**
 * Rows that are made at every output: of edges, and of windows that are no contiguous part of their stream.
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
      view.macsPerRow(node) * (layout.rows.get(node) ?? 0) + againMacs(graph, node, layout.taps.get(node));
    const macs = graph.nodes.reduce((sum, node) => sum + of(node), 0);
    const workspaceBytes = workspaceOf(graph, layout.trunk, gatheredRows(layout));
    return { layout, macs, stateBytes: layout.stateBytes, workspaceBytes };
  };
}

/** Layers whose left edges read rows of the stream. */
const readingBack = ({ choice, trunk, taps, streams }: Layout): Node[] =>
  [...trunk].filter((node) => {
    const left = streams.get(node.output)?.leftEdge;
    return left && left.rows > left.computed && !taps.has(node) && !choice.again.has(node);
  });

/**
 * From `from` on, one layer more at a time computes rows again: the one that saves most state for its work.
 */
function* againFrom(from: LayoutPoint, make: Make, mostMacs: number): Generator<LayoutPoint> {
  for (let at = from; at.macs <= mostMacs; ) {
    let best: LayoutPoint | undefined;
    let most = 0;
    for (const node of readingBack(at.layout)) {
      const { choice } = at.layout;
      const found = make({ ...choice, again: new Set(choice.again).add(node) });
      if (!found) continue;
      const saved = (at.stateBytes - found.stateBytes) / (found.macs - at.macs + 1);
      if (saved > most) [most, best] = [saved, found];
    }
    if (!best) return;
    at = best;
    yield best;
  }
}

/** Of layouts that differ in `ahead` those where others begin: the least state, and `ahead` 0. */
function startsOf(points: readonly LayoutPoint[]): Set<LayoutPoint> {
  const [first] = points;
  if (!first) return new Set();
  const best = points.reduce((a, b) => (b.stateBytes < a.stateBytes ? b : a), first);
  return new Set([best, ...points.filter(({ layout }) => layout.choice.ahead === 0)]);
}

/** Numbers of records, where some rows of the first layer's left edge have none: at most eight. */
function fewerRecords({ taps }: Layout): number[] {
  const left = maxOf([...taps.values()].map((t) => t.recorded));
  return [...new Set(Array.from({ length: 8 }, (_, i) => Math.floor((left * i) / 8)))].filter((n) => n < left);
}

/** All layouts of one depth. */
function layoutsAt(graph: Graph, hop: number, depth: number, make: Make, { mostWork }: Fixed): LayoutPoint[] {
  const hops = Math.floor(viewOf(graph).clock.window / hop);
  const stride = Math.max(1, Math.ceil(hops / mostAheads));
  const found: LayoutPoint[] = [];
  const [sums, plain]: LayoutPoint[][] = [[], []];
  for (let ahead = hops; ahead >= 0; ahead = ahead === 0 ? -1 : Math.max(0, ahead - stride)) {
    const withSums = make({ ahead, again: none, depth, taps: Number.POSITIVE_INFINITY });
    const without = make({ ahead, again: none, depth });
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
  const most = mostWork?.(minOf(found.map((p) => p.macs))) ?? Number.POSITIVE_INFINITY;
  for (const start of starts) append(found, againFrom(start, make, most));
  const raw = make({ ahead: 0, again: new Set(graph.nodes), depth });
  if (raw) found.push(raw);
  return found;
}

/** All layouts by depth, deepest first; only depths at which something changes. */
export function* layoutsByDepth(graph: Graph, hop: number, fixed: Fixed = {}): Generator<LayoutPoint[]> {
  const { depth = graph.nodes.length, microHop = hop } = fixed;
  const edges = edgesOf(graph, hop);
  const reusing = reusingNodes(graph, edges, depth);
  const make = maker(graph, hop, microHop, edges);
  const depths = graph.nodes.flatMap((n, i) => (reusing.has(n) ? [i + 1] : [])).reverse();
  for (const d of [...depths, 0]) yield layoutsAt(graph, hop, d, make, fixed);
}
