/**
 * Additions and comparisons per output of layers that reduce rows: pools, means and maxima over the window.
 *
 * In: a Graph or a plan.  Out: their number. They are no multiply-accumulates, so reports do not count them;
 * prefer.ts compares plans by them.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { reductionOf } from './edge/parts.ts';
import type { StreamPlan } from './types.ts';

/**
 * Returns the additions and comparisons of a graph.
 * @param computed rows that a streamed layer computes per output; undefined: it computes windows
 * @param folded rows that a fold reads per output; undefined: the node is no fold
 */
export function addsOf(
  graph: Graph,
  computed: (node: Node) => number | undefined,
  folded: (node: Node) => number | undefined,
): number {
  const view = viewOf(graph);
  return graph.nodes.reduce((adds, node) => {
    const reduction = reductionOf(graph, node);
    if (!reduction) return adds;
    const rows = folded(node) ?? reduction.length * (computed(node) ?? reduction.count);
    return adds + rows * view.frame(node.inputs[0] as number);
  }, 0);
}

/** Returns the additions and comparisons of a plan. @param streamed nodes that stream */
export function addsIn({ graph, steps, tensors, hop, microHop }: StreamPlan, streamed: ReadonlySet<Node>): number {
  const newRows = (id: number): number => ((tensors.get(id)?.newRows ?? 0) * hop) / microHop;
  const folds = new Set(steps.flatMap((s) => (s.kind === 'fold' || s.kind === 'accumulate' ? [s.node] : [])));
  return addsOf(
    graph,
    (node) => (streamed.has(node) ? newRows(node.output) : undefined),
    (node) => (folds.has(node) ? newRows(node.inputs[0] as number) : undefined),
  );
}
