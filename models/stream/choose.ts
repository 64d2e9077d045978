/**
 * Which edge-exact layout: least work, then least state; or within a budget.
 *
 * In: a Graph, a hop and budgets.  Out: a Layout with its MACs.  Every layout gives the same bytes out, so the choice is one of cost only.
 * Source: edge-exact proof, section 5: with left edges kept or computed ahead, work falls with depth until nothing more pays; with left
 * edges from raw rows (cone) there is an optimum between.
 */
import type { Graph, Node } from '../graph/types.ts';
import { opOf } from '../ops/index.ts';
import { edgesOf } from './edges.ts';
import { type Layout, layoutOf, reusingNodes } from './reuse.ts';
import { inputShapes } from './timing.ts';

export interface Budget {
  /** Most bytes of state. */
  stateBytes?: number;
  /** Most multiply-accumulates an output. */
  macs?: number;
  /** Reuse rows in the first `depth` nodes only. */
  depth?: number;
  /** Frames that pass through the layers at once. */
  microHop?: number;
}

export interface Costed {
  layout: Layout;
  macs: number;
}

/** Most values of `ahead` that are tried at one depth. */
const mostAheads = 256;

export function macsPerRow(graph: Graph, node: Node): number {
  const out = graph.tensors[node.output]?.shape;
  return out ? opOf(node.op).macsPerFrame(node.attrs as never, inputShapes(graph, node), out) : 0;
}

const macsOf = (graph: Graph, layout: Layout): number =>
  graph.nodes.reduce((sum, node) => sum + macsPerRow(graph, node) * (layout.rows.get(node) ?? 0), 0);

/** All layouts of one depth. */
function* layoutsAt(graph: Graph, hop: number, microHop: number, depth: number): Generator<Costed> {
  const edges = edgesOf(graph, hop);
  const window = graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape.t ?? 0;
  const most = Math.floor(window / hop);
  const stride = Math.max(1, Math.ceil(most / mostAheads));
  for (let i = most; i >= 0; i = i === 0 ? -1 : Math.max(0, i - stride)) {
    const layout = layoutOf(graph, hop, { ahead: i, cone: false, depth }, microHop, edges);
    if (layout) yield { layout, macs: macsOf(graph, layout) };
  }
  const cone = layoutOf(graph, hop, { ahead: 0, cone: true, depth }, microHop, edges);
  if (cone) yield { layout: cone, macs: macsOf(graph, cone) };
}

/** Depths at which something changes, deepest first. */
function depthsOf(graph: Graph, hop: number, most: number): number[] {
  const reusing = reusingNodes(graph, edgesOf(graph, hop), most);
  return graph.nodes.flatMap((n, i) => (reusing.has(n) ? [i + 1] : [])).reverse();
}

const better = (a: Costed, b: Costed | undefined, by: 'macs' | 'state'): boolean => {
  if (!b) return true;
  const macs = a.macs - b.macs;
  const state = a.layout.stateBytes - b.layout.stateBytes;
  return by === 'macs' ? macs < 0 || (macs === 0 && state < 0) : state < 0 || (state === 0 && macs < 0);
};

/** The layout with least work whose state fits, or with `budget.macs` the one with least state whose work fits; undefined if none does. */
export function chooseLayout(graph: Graph, hop: number, budget: Budget = {}): Costed | undefined {
  const depths = depthsOf(graph, hop, budget.depth ?? graph.nodes.length);
  const limited = budget.stateBytes !== undefined || budget.macs !== undefined;
  let best: Costed | undefined;
  for (const depth of [...depths, 0]) {
    const all = [...layoutsAt(graph, hop, budget.microHop ?? hop, depth)];
    // without a budget the deepest layouts do the least work (proof, section 5): stop where work begins to grow
    if (!limited && best && all.every((found) => found.macs > (best?.macs ?? 0))) break;
    for (const found of all) {
      if (found.layout.stateBytes > (budget.stateBytes ?? Number.POSITIVE_INFINITY)) continue;
      if (found.macs > (budget.macs ?? Number.POSITIVE_INFINITY)) continue;
      if (better(found, best, budget.macs === undefined ? 'macs' : 'state')) best = found;
    }
  }
  return best;
}

/** Layouts of which none has both less work and less state than another, least work first; within `budget.depth` and `budget.microHop`. */
export function paretoLayouts(graph: Graph, hop: number, budget: Budget = {}): Costed[] {
  const depths = [...depthsOf(graph, hop, budget.depth ?? graph.nodes.length), 0];
  const all = depths.flatMap((depth) => [...layoutsAt(graph, hop, budget.microHop ?? hop, depth)]);
  all.sort((a, b) => a.macs - b.macs || a.layout.stateBytes - b.layout.stateBytes);
  let least = Number.POSITIVE_INFINITY;
  return all.filter(({ layout }) => {
    if (layout.stateBytes >= least) return false;
    least = layout.stateBytes;
    return true;
  });
}
