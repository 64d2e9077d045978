/**
 * Which edge-exact layout: the least state among those that do nearly the least work; or within a budget.
 *
 * In: a Graph, a hop and budgets.  Out: a Layout with its MACs.  Every layout gives the same bytes out, so the choice is one of cost only.
 * Source: edge-exact proof, section 5: with left edges kept or computed ahead, work falls with depth until nothing more pays; with left
 * edges from raw rows (cone) there is an optimum between.
 */

import type { Graph } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { minOf } from '../lists.ts';
import { edgesOf } from './edges.ts';
import type { Choice, Edge, Layout } from './layout.ts';
import { layoutOf, reusingNodes } from './reuse.ts';

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

/** Work that may be given for less state, as a share of the least (edge-exact proof, section 7: least state within a set limit). */
export const workTolerance = 0.02;

/** Most values of `ahead` that are tried at one depth. */
const mostAheads = 256;

const macsOf = (graph: Graph, layout: Layout): number =>
  graph.nodes.reduce((sum, node) => sum + viewOf(graph).macsPerRow(node) * (layout.rows.get(node) ?? 0), 0);

/** All layouts of one depth. */
function layoutsAt(graph: Graph, hop: number, microHop: number, depth: number, edges: Map<number, Edge>): Costed[] {
  const most = Math.floor(viewOf(graph).clock.window / hop);
  const stride = Math.max(1, Math.ceil(most / mostAheads));
  const choices: Choice[] = [];
  for (let ahead = most; ahead >= 0; ahead = ahead === 0 ? -1 : Math.max(0, ahead - stride))
    for (const taps of [true, false]) choices.push({ ahead, cone: false, depth, taps });
  choices.push({ ahead: 0, cone: true, depth, taps: false });
  return choices.flatMap((choice) => {
    const layout = layoutOf(graph, hop, choice, microHop, edges);
    return layout ? [{ layout, macs: macsOf(graph, layout) }] : [];
  });
}

/** All layouts by depth, deepest first; only depths at which something changes. */
function* layoutsByDepth(graph: Graph, hop: number, { depth = graph.nodes.length, microHop = hop }: Budget): Generator<Costed[]> {
  const edges = edgesOf(graph, hop);
  const reusing = reusingNodes(graph, edges, depth);
  const depths = graph.nodes.flatMap((n, i) => (reusing.has(n) ? [i + 1] : [])).reverse();
  for (const d of [...depths, 0]) yield layoutsAt(graph, hop, microHop, d, edges);
}

const least = (all: Costed[], by: 'macs' | 'state'): Costed | undefined => {
  const [first, second] = by === 'macs' ? (['macs', 'state'] as const) : (['state', 'macs'] as const);
  const cost = (c: Costed, of: 'macs' | 'state') => (of === 'macs' ? c.macs : c.layout.stateBytes);
  return all.reduce<Costed | undefined>((best, c) => {
    const d = best ? cost(c, first) - cost(best, first) || cost(c, second) - cost(best, second) : -1;
    return d < 0 ? c : best;
  }, undefined);
};

/** Layouts within the budget; without one, only depths that can do the least work. */
function candidates(graph: Graph, hop: number, budget: Budget): Costed[] {
  const { stateBytes = Number.POSITIVE_INFINITY, macs = Number.POSITIVE_INFINITY } = budget;
  const limited = budget.stateBytes !== undefined || budget.macs !== undefined;
  const found: Costed[] = [];
  let work = Number.POSITIVE_INFINITY;
  for (const all of layoutsByDepth(graph, hop, budget)) {
    const lowest = minOf(all.map((c) => c.macs));
    // the deepest layouts do the least work (proof, section 5)
    if (!limited && lowest > work * (1 + workTolerance)) break;
    work = Math.min(work, lowest);
    for (const c of all) if (c.layout.stateBytes <= stateBytes && c.macs <= macs) found.push(c);
  }
  return found;
}

/**
 * The layout with the least state among those whose work is within workTolerance of the least; with `budget.macs` the one with the least
 * state whose work fits, with `budget.stateBytes` among those that fit. Undefined if none does.
 */
export function chooseLayout(graph: Graph, hop: number, budget: Budget = {}): Costed | undefined {
  const found = candidates(graph, hop, budget);
  if (budget.macs !== undefined) return least(found, 'state');
  const work = least(found, 'macs')?.macs ?? 0;
  return least(
    found.filter((c) => c.macs <= work * (1 + workTolerance)),
    'state',
  );
}

/** Layouts of which none has both less work and less state than another, least work first; within `budget.depth` and `budget.microHop`. */
export function paretoLayouts(graph: Graph, hop: number, budget: Budget = {}): Costed[] {
  const all = [...layoutsByDepth(graph, hop, budget)].flat();
  all.sort((a, b) => a.macs - b.macs || a.layout.stateBytes - b.layout.stateBytes);
  let least = Number.POSITIVE_INFINITY;
  return all.filter(({ layout }) => {
    if (layout.stateBytes >= least) return false;
    least = layout.stateBytes;
    return true;
  });
}
