/**
 * edge-exact: which rows of a window can be taken from an earlier window, and which must be computed again.
 *
 * In: a Graph and a hop.  Out: per node the rows to compute and per tensor the rows to carry from window to window.
 * Source: edge-exact proof, sections 2 and 5.1: row f of the window at frame w lies at p = w + f * J. It equals the row at the same p of
 * another window unless its receptive field touches a window edge: nL rows on the left, nR on the right do. Windows of one phase
 * (p mod J) follow each other every J / gcd(hop, J) windows and are hop / gcd(hop, J) rows apart.
 * Exact for any hop and any padding: every row is computed by the windowed formula on the window's own rows.
 */
import type { Graph, Node } from '../graph/types.ts';
import { ruleOf } from './timing.ts';

export interface Edge {
  /** Input frames between two rows. */
  jump: number;
  rows: number;
  /** Rows whose receptive field touches the left, the right window edge. */
  left: number;
  right: number;
  /** Rows between two windows of one phase, and phases alive. */
  newRows: number;
  phases: number;
}

/** Rows first to first + rows - 1. */
export interface Span {
  first: number;
  rows: number;
}

/** Rows kept for the next window of the phase: [from + newRows, from + newRows + rows) of this one become [from, from + rows). */
export interface Carry {
  from: number;
  rows: number;
  newRows: number;
  phases: number;
}

export interface Reuse {
  /** Rows to compute once the phases are filled. */
  spans: Span[];
  carry?: Carry;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

const interior = (e: Edge): number => Math.max(0, e.rows - e.left - e.right);
/** Reuse saves rows only where more of them are interior than are new (proof, section 5). */
export const pays = (e: Edge): boolean => interior(e) > e.newRows;

/** Geometry of every tensor that keeps a time axis of rows on one grid, by tensor id. */
export function edgesOf(graph: Graph, hop: number): Map<number, Edge> {
  const edges = new Map<number, Edge>();
  const grid = (jump: number) => ({ jump, newRows: hop / gcd(hop, jump), phases: jump / gcd(hop, jump) });
  for (const port of graph.inputs) {
    edges.set(port.tensor, { ...grid(1), rows: graph.tensors[port.tensor]?.shape.t ?? 0, left: 0, right: 0 });
  }
  for (const node of graph.nodes) {
    const rule = ruleOf(graph, node);
    const inputs = node.inputs.map((id) => edges.get(id));
    if (rule.kind !== 'window' || inputs.some((e) => e === undefined)) continue;
    const known = inputs as Edge[];
    const [first] = known as [Edge];
    if (known.some((e) => e.jump !== first.jump || e.rows !== first.rows)) continue;
    const rows = graph.tensors[node.output]?.shape.t ?? 0;
    const left = Math.max(...known.map((e) => e.left));
    const right = Math.max(...known.map((e) => e.right));
    const clamp = (n: number) => Math.min(rows, Math.max(0, n));
    const lastClean = Math.floor((first.rows - right - 1 - (rule.kernel - 1) * rule.dilation + rule.pad[0]) / rule.stride);
    edges.set(node.output, {
      ...grid(first.jump * rule.stride),
      rows,
      left: clamp(Math.ceil((left + rule.pad[0]) / rule.stride)),
      right: clamp(rows - 1 - lastClean),
    });
  }
  return edges;
}

/** Rows of a node's output that a window computes. */
function spansOf(edge: Edge | undefined, rows: number): Span[] {
  if (!edge || !pays(edge)) return [{ first: 0, rows }];
  const from = edge.rows - edge.right - edge.newRows;
  const spans = [
    { first: 0, rows: edge.left },
    { first: from, rows: edge.rows - from },
  ];
  return spans.filter((s) => s.rows > 0);
}

/** Which rows of tensor `id` somebody reads in a window of a filled phase. */
function readRows(graph: Graph, id: number, rows: number, spans: Map<Node, Span[]>): boolean[] {
  const read = new Array<boolean>(rows).fill(graph.outputs.some((p) => p.tensor === id));
  for (const [node, list] of spans) {
    if (!node.inputs.includes(id)) continue;
    const rule = ruleOf(graph, node);
    for (const span of list) {
      const [from, to] =
        rule.kind === 'window'
          ? [
              span.first * rule.stride - rule.pad[0],
              (span.first + span.rows - 1) * rule.stride - rule.pad[0] + (rule.kernel - 1) * rule.dilation + 1,
            ]
          : [0, rows];
      for (let f = Math.max(0, from); f < Math.min(rows, to); f++) read[f] = true;
    }
  }
  return read;
}

/** What each node computes and carries in a window whose phases are filled. */
export function reuseOf(graph: Graph, hop: number): Map<Node, Reuse> {
  const edges = edgesOf(graph, hop);
  const spans = new Map<Node, Span[]>();
  for (const node of graph.nodes) spans.set(node, spansOf(edges.get(node.output), graph.tensors[node.output]?.shape.t ?? 0));
  const reuse = new Map<Node, Reuse>();
  for (const node of graph.nodes) {
    const edge = edges.get(node.output);
    const own = spans.get(node) ?? [];
    if (!edge || !pays(edge)) {
      reuse.set(node, { spans: own });
      continue;
    }
    const read = readRows(graph, node.output, edge.rows, spans);
    const end = edge.rows - edge.right - edge.newRows;
    const from = read.findIndex((r, f) => r && f >= edge.left && f < end);
    const carry = from < 0 ? undefined : { from, rows: end - from, newRows: edge.newRows, phases: edge.phases };
    reuse.set(node, carry ? { spans: own, carry } : { spans: own });
  }
  return reuse;
}
