/**
 * The paper's partial streaming, for measuring: rows of the first layers from the stream, the others computed on them, whole.
 *
 * In: the trunk's rows over the whole signal.  Out: outputs of any window.  Depth: the layers whose jump divides the hop and of whose rows at most
 * `mostContaminated` touch a window edge.  Source: StreamiNNC rule R8 (the paper stops its f_PPG behind the first pool, at 10.5 %).
 * As a mode it is not built here: edge-exact with that depth reuses the same rows and is exact.
 */
import { frameOf, type Graph, type Node } from '../graph/types.ts';
import { opOf } from '../ops/index.ts';
import { contaminationOf } from './contamination.ts';
import type { Block, RunNode } from './execute.ts';
import type { StreamPlan } from './types.ts';

export const mostContaminated = 0.11;

type Sliceable<A> = { slice(from: number, to: number): A };

export interface Partial<A> {
  /** Layers streamed, the last of them, and the share of its rows that touches an edge. */
  layers: number;
  node: Node;
  contaminated: number;
  outputs: (window: number) => A[];
}

/** Undefined where no layer qualifies, or all do. */
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
    if (!reach || !t || !trunk.has(node.output) || hop % t.jump !== 0 || reach.share > mostContaminated) break;
    streamed.add(node);
    last = reach;
  }
  if (!last || streamed.size === grid.tensors.size - 1) return undefined;
  const outputs = (n: number): A[] => {
    const tensors = new Map<number, Block<A>>();
    for (const [id, block] of trunk) {
      const t = grid.tensors.get(id);
      if (!t || hop % t.jump !== 0) continue;
      const frame = frameOf(block.shape);
      const from = (n * hop) / t.jump;
      tensors.set(id, {
        data: block.data.slice(from * frame, (from + t.windowRows) * frame),
        shape: { ...block.shape, t: t.windowRows },
      });
    }
    for (const node of graph.nodes) {
      if (streamed.has(node)) continue;
      const xs = node.inputs.map((id) => tensors.get(id) as Block<A>);
      const shape = opOf(node.op).shape(
        xs.map((x) => x.shape),
        node.attrs as never,
        node.name,
      );
      tensors.set(node.output, { data: run(node, xs, shape, 'strideT' in node.attrs ? node.attrs.strideT : 1), shape });
    }
    return graph.outputs.map((port) => (tensors.get(port.tensor) as Block<A>).data);
  };
  return { layers: streamed.size, node: last.node, contaminated: last.share, outputs };
}
