/**
 * Geometry of window edges: which rows of a tensor occur in other windows too, and which touch an edge.
 *
 * In: a Graph and a hop.  Out: an Edge for each tensor whose rows lie on one grid along time.
 * Source: edge-exact proof, section 2. Row f of the window that starts at frame w lies at p = w + f * J. The
 * row at the same p in another window is equal, unless the receptive field of either row touches an edge of
 * its window. In each window nL rows at the left and nR at the right do. Every J / gcd(hop, J)-th window has
 * the same phase (p mod J), and the next one of a phase starts hop / gcd(hop, J) rows later.
 */

import { gcd } from '../../graph/clock.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { type GraphView, viewOf } from '../../graph/view.ts';
import { maxOf } from '../../lists.ts';
import type { Edge } from './layout.ts';

/** Returns the number of interior rows, which touch no edge. */
export const interior = (e: Edge): number => Math.max(0, e.rows - e.left - e.right);
/** Checks whether reuse saves rows: more rows are interior than new (proof, section 5). */
export const savesRows = (e: Edge): boolean => interior(e) > e.newRows;
/** Checks whether reuse costs no additional rows: at least as many rows are interior as new. */
export const mayReuse = (e: Edge): boolean => interior(e) >= e.newRows;

/** Returns the geometry of tensors by id, graph inputs included. @param hop in ticks */
export function edgesOf(graph: Graph, hop: number): Map<number, Edge> {
  const edges = new Map<number, Edge>();
  const view = viewOf(graph);
  const { units, rates } = view.clock;
  const time = hop * units;
  const grid = (jump: number) => ({ jump, newRows: time / gcd(time, jump), phases: jump / gcd(time, jump) });
  for (const [i, port] of graph.inputs.entries()) {
    edges.set(port.tensor, { ...grid(units / (rates[i] as number)), rows: view.rows(port.tensor), left: 0, right: 0 });
  }
  for (const node of graph.nodes) {
    const edge = edgeOf(view, node, edges);
    if (edge) edges.set(node.output, { ...grid(edge.jump), ...edge });
  }
  return edges;
}

/**
 * Returns the edges of an output, or undefined if the node does not slide or if its inputs differ in jump or
 * length.
 */
function edgeOf(
  view: GraphView,
  node: Node,
  edges: Map<number, Edge>,
): Pick<Edge, 'jump' | 'rows' | 'left' | 'right'> | undefined {
  const rule = view.rule(node);
  const inputs = node.inputs.map((id) => edges.get(id));
  if (rule.kind !== 'window' || inputs.some((e) => e === undefined)) return undefined;
  const known = inputs as Edge[];
  const [first] = known as [Edge];
  if (known.some((e) => e.jump !== first.jump || e.rows !== first.rows)) return undefined;
  const rows = view.rows(node.output);
  const left = maxOf(known.map((e) => e.left));
  const right = maxOf(known.map((e) => e.right));
  const clamp = (n: number) => Math.min(rows, Math.max(0, n));
  const lastClean = Math.floor((first.rows - right - 1 - (rule.kernel - 1) * rule.dilation + rule.pad[0]) / rule.stride);
  return {
    jump: first.jump * rule.stride,
    rows,
    left: clamp(Math.ceil((left + rule.pad[0]) / rule.stride)),
    right: clamp(rows - 1 - lastClean),
  };
}
