/**
 * Geometry of a window's edges: which rows of a tensor equal rows of other windows, and which touch an edge.
 *
 * In: a Graph and a hop.  Out: an Edge per tensor that keeps a time axis of rows on one grid.
 * Source: edge-exact proof, section 2: row f of the window at frame w lies at p = w + f * J. It equals the
 * row at the same p of another window unless its receptive field touches a window edge: nL rows on the left,
 * nR on the right do. Windows of one phase (p mod J) follow each other every J / gcd(hop, J) windows and are
 * hop / gcd(hop, J) rows apart.
 */

import { gcd } from '../../graph/clock.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { type GraphView, viewOf } from '../../graph/view.ts';
import { maxOf } from '../../lists.ts';
import type { Edge } from './layout.ts';

/** Rows that touch no edge. */
export const interior = (e: Edge): number => Math.max(0, e.rows - e.left - e.right);
/**
 * Reuse saves rows where more of them are interior than are new, and costs none where as many are (proof,
 * section 5).
 */
export const pays = (e: Edge): boolean => interior(e) > e.newRows;
export const mayReuse = (e: Edge): boolean => interior(e) >= e.newRows;

/** Geometry of every tensor on one grid, by tensor id; the hop is in ticks. */
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
