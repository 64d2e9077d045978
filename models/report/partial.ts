/**
 * partialOf: the paper's partial streaming, only for measurements. The first layers take their rows from the
 * stream; the others are computed on them for each window.
 *
 * In: the trunk's rows over the whole signal.  Out: outputs of any window.  Streamed are the first layers
 * whose jump divides the hop and of whose rows at most `maxContaminated` touch a window edge.  Source:
 * StreamiNNC rule R8 (the paper stops its f_PPG behind the first pool, at 10.5 %). It is not a mode here,
 * because edge-exact with this depth reuses the same rows and is exact.
 */
import type { Graph, Node } from '../graph/types.ts';
import { type Block, executeNodes, type RunNode, type Sliceable, windowOf } from '../stream/execute.ts';
import type { StreamPlan } from '../stream/types.ts';
import { contaminationOf } from './contamination.ts';

/** Largest share of contaminated rows of a layer that is streamed. */
const maxContaminated = 0.11;

export interface Partial<A> {
  /** Number of streamed layers, the last of them, and the share of its rows that touch an edge. */
  layers: number;
  node: Node;
  contaminated: number;
  outputs: (window: number) => A[];
}

/** Returns undefined if no layer qualifies, or if all do. */
export function partialOf<A extends Sliceable<A>>(
  graph: Graph,
  hop: number,
  trunk: ReadonlyMap<number, Block<A>>,
  grid: StreamPlan,
  run: RunNode<A>,
): Partial<A> | undefined {
  const contamination = contaminationOf(graph);
  const streamed = new Set<Node>();
  let last: (typeof contamination)[number] | undefined;
  for (const node of graph.nodes) {
    const reach = contamination.find((c) => c.node === node);
    const t = grid.tensors.get(node.output);
    if (!reach || !t || !trunk.has(node.output) || hop % t.jump !== 0 || reach.share > maxContaminated) break;
    streamed.add(node);
    last = reach;
  }
  if (!last || streamed.size === grid.tensors.size - 1) return undefined;
  const whole = graph.nodes.filter((node) => !streamed.has(node));
  const outputs = (n: number): A[] => executeNodes(graph, whole, windowOf(grid, trunk, n * hop), run);
  return { layers: streamed.size, node: last.node, contaminated: last.share, outputs };
}
