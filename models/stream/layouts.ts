/**
 * All layouts that edge-exact chooses from, each with its work and state.
 *
 * In: a Graph, a hop, and what is fixed (depth, micro-hop).  Out: points of work and state, by depth. A depth
 * has every `ahead`, with and without tap sums, and from the best of these on layouts that compute rows of left
 * edges again, layer by layer.  Source: edge-exact proof, sections 4 (keep, fork, cone) and 5.  All layouts give
 * the same bytes.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { append } from '../lists.ts';
import { needsBuffer } from './edge-plan.ts';
import { edgesOf } from './edges.ts';
import type { Choice, Edge, Interior, Layout } from './layout.ts';
import type { Point } from './prefer.ts';
import { layoutOf, reusingNodes } from './reuse.ts';
import { workspaceOf } from './workspace.ts';

export interface LayoutPoint extends Point {
  layout: Layout;
}

/** What a choice of layout is not free in. */
export interface Fixed {
  /** Reuse rows in the first `depth` nodes only. */
  depth?: number;
  /** Frames that pass through the layers at once. */
  microHop?: number;
}

/** Most values of `ahead` that are tried at one depth. */
const mostAheads = 256;

const none: ReadonlySet<Node> = new Set();

type Make = (choice: Choice) => LayoutPoint | undefined;

/** Rows of edges, and of windows that are no contiguous part of their stream: they are made at every output. */
function gatheredRows({ interiors, work }: Layout): Map<number, number> {
  const rows = new Map<number, number>();
  for (const [id, { left, window, spliced }] of work) {
    const at = interiors.get(id) as Interior;
    const lefts = left && (left.computed > 0 || at.step > 1) ? left.rows : 0;
    const windows = window && needsBuffer(at, window.right, spliced) ? at.edge.rows - window.first : 0;
    rows.set(id, lefts + windows);
  }
  return rows;
}

function maker(graph: Graph, hop: number, microHop: number, edges: Map<number, Edge>): Make {
  const view = viewOf(graph);
  return (choice) => {
    const layout = layoutOf(graph, hop, choice, microHop, edges);
    if (!layout) return undefined;
    const macs = graph.nodes.reduce((sum, node) => sum + view.macsPerRow(node) * (layout.rows.get(node) ?? 0), 0);
    return {
      layout,
      macs,
      stateBytes: layout.stateBytes,
      workspaceBytes: workspaceOf(graph, layout.trunk, gatheredRows(layout)),
    };
  };
}

/** Layers whose left edges read rows of the stream. */
const readingBack = ({ choice, trunk, taps, work }: Layout): Node[] =>
  [...trunk].filter((node) => {
    const left = work.get(node.output)?.left;
    return left && left.rows > left.computed && !taps.has(node) && !choice.again.has(node);
  });

/** From `from` on one layer more at a time computes rows again: the one that saves most state for its work. */
function* againFrom(from: LayoutPoint, make: Make): Generator<LayoutPoint> {
  for (let at = from; ; ) {
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

const lessState = (best: LayoutPoint | undefined, point: LayoutPoint): LayoutPoint =>
  best && best.stateBytes <= point.stateBytes ? best : point;

/** All layouts of one depth. */
function layoutsAt(graph: Graph, hop: number, depth: number, make: Make): LayoutPoint[] {
  const most = Math.floor(viewOf(graph).clock.window / hop);
  const stride = Math.max(1, Math.ceil(most / mostAheads));
  const found: LayoutPoint[] = [];
  const starts = new Set<LayoutPoint>();
  for (const taps of [true, false]) {
    let best: LayoutPoint | undefined;
    for (let ahead = most; ahead >= 0; ahead = ahead === 0 ? -1 : Math.max(0, ahead - stride)) {
      const point = make({ ahead, again: none, depth, taps });
      if (!point) continue;
      found.push(point);
      best = lessState(best, point);
      if (ahead === 0) starts.add(point);
    }
    if (best) starts.add(best);
  }
  for (const start of starts) append(found, againFrom(start, make));
  const raw = make({ ahead: 0, again: new Set(graph.nodes), depth, taps: false });
  if (raw) found.push(raw);
  return found;
}

/** All layouts by depth, deepest first; only depths at which something changes. */
export function* layoutsByDepth(
  graph: Graph,
  hop: number,
  { depth = graph.nodes.length, microHop = hop }: Fixed = {},
): Generator<LayoutPoint[]> {
  const edges = edgesOf(graph, hop);
  const reusing = reusingNodes(graph, edges, depth);
  const make = maker(graph, hop, microHop, edges);
  const depths = graph.nodes.flatMap((n, i) => (reusing.has(n) ? [i + 1] : [])).reverse();
  for (const d of [...depths, 0]) yield layoutsAt(graph, hop, d, make);
}
