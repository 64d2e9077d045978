/**
 * Attributes of recurrent operators (types), and the graph with or without states that go on.
 *
 * In: a Graph.  Out: the same where every window begins anew, or where the state is carried from row to row.
 */
import type { Graph, Node, Weights } from './types.ts';

export interface RecurrentAttrs {
  units: number;
  /** [gate * units + unit][units]: what the output before is multiplied with. */
  recurrent: Weights;
  /** [gate * units + unit], added to those products; int32 at the scale of the output times that of the weights. */
  recurrentBias: Float32Array | Int32Array | null;
  /** From the window's last row to its first. */
  reverse: boolean;
  /** The state goes on from row to row, over all windows; left out: it begins anew at every window. */
  carry?: boolean;
  /** Gates are a straight line of this slope, cut off at 0 and 1; left out: the logistic function. */
  slope?: number;
}

/** Gates: input, forget, cell, output. */
export interface LstmAttrs extends RecurrentAttrs {
  /** The cell is kept between -clip and clip; left out: it is not. */
  clip?: number;
  /** int8 graphs only: the cell's scale is 2^cellPower. */
  cellPower?: number;
}

/** Gates: update, reset, candidate. h = z h + (1 - z) n. */
export interface GruAttrs extends RecurrentAttrs {
  /** n = tanh(x + r (U h + b)); else tanh(x + U (r h) + b). */
  resetAfter: boolean;
}

export type RnnAttrs = RecurrentAttrs;

/** Whether a node has a state that may go on from row to row. */
export const isRecurrent = (node: Node): node is Extract<Node, { op: 'lstm' | 'gru' | 'rnn' }> => 'recurrent' in node.attrs;

/** The graph in which every state is carried on, or none; itself where that is so. One that has its own state stays. */
export function withCarry(graph: Graph, carry: boolean): Graph {
  const other = (node: Node) => isRecurrent(node) && !node.attrs.reverse && (node.attrs.carry ?? false) !== carry;
  if (graph.stateful || !graph.nodes.some(other)) return graph;
  const nodes = graph.nodes.map((node) => (other(node) ? ({ ...node, attrs: { ...node.attrs, carry } } as Node) : node));
  return { ...graph, nodes };
}
