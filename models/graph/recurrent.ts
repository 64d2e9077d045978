/**
 * Recurrent nodes, and the graph with or without states that go on.
 *
 * In: a Graph.  Out: the same where every window begins anew, or where the state is carried from row to row.
 */
import type { Graph, Node } from './types.ts';

export type RecurrentNode = Extract<Node, { op: 'lstm' | 'gru' | 'rnn' }>;

/** Whether a node has a state that may go on from row to row. */
export const isRecurrent = (node: Node): node is RecurrentNode => 'recurrent' in node.attrs;

/** Whether its state does go on. */
export const carries = (node: Node): node is RecurrentNode => isRecurrent(node) && node.attrs.carry === true;

/**
 * The graph in which every state is carried on, or none; itself where that is so. One that has its own state
 * stays.
 */
export function withCarry(graph: Graph, carry: boolean): Graph {
  const other = (node: Node) => isRecurrent(node) && !node.attrs.reverse && (node.attrs.carry ?? false) !== carry;
  if (graph.stateful || !graph.nodes.some(other)) return graph;
  const nodes = graph.nodes.map((node) => (other(node) ? ({ ...node, attrs: { ...node.attrs, carry } } as Node) : node));
  return { ...graph, nodes };
}

/** Tensors that a carried state comes into. They depend on the whole signal before them, not on a window. */
export function carriedTensors({ nodes }: Graph): Set<number> {
  const found = new Set<number>();
  for (const node of nodes) if (carries(node) || node.inputs.some((id) => found.has(id))) found.add(node.output);
  return found;
}
