/**
 * Recurrent nodes, and graphs with or without carried states.
 *
 * In: a Graph.  Out: the graph in which states carry over from row to row, or restart at every window.
 */
import type { Graph, Node } from './types.ts';

export type RecurrentNode = Extract<Node, { op: 'lstm' | 'gru' | 'rnn' }>;

/** Whether a node has a state that may carry over from row to row. */
export const isRecurrent = (node: Node): node is RecurrentNode => 'recurrent' in node.attrs;

/** Whether the state of a node carries over. */
export const carries = (node: Node): node is RecurrentNode => isRecurrent(node) && node.attrs.carry === true;

/**
 * Returns the graph in which the states of all forward cells carry over (`carry`), or none do. Returns the
 * graph itself if nothing changes, or if the model has its own state (Graph.stateful).
 */
export function withCarry(graph: Graph, carry: boolean): Graph {
  const other = (node: Node) => isRecurrent(node) && !node.attrs.reverse && (node.attrs.carry ?? false) !== carry;
  if (graph.stateful || !graph.nodes.some(other)) return graph;
  const nodes = graph.nodes.map((node) => (other(node) ? ({ ...node, attrs: { ...node.attrs, carry } } as Node) : node));
  return { ...graph, nodes };
}

/** Returns the tensors that depend on a carried state, and so on the whole signal so far, not on a window. */
export function carriedTensors({ nodes }: Graph): Set<number> {
  const found = new Set<number>();
  for (const node of nodes) if (carries(node) || node.inputs.some((id) => found.has(id))) found.add(node.output);
  return found;
}

/** Whether outputs depend on the whole signal so far: the model has its own state, or carries one. */
export const carriesState = (graph: Graph): boolean => graph.stateful === true || carriedTensors(graph).size > 0;
