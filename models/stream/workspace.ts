/**
 * Workspace of a plan: the peak, over its layers, of the bytes of rows that are in use but not kept. And the
 * bytes of the rows that are kept and move at every hop.
 *
 * In: a Graph, its streamed nodes, and the rows of streamed tensors that are copied or computed at every
 * output (`gathered`, by tensor id).  Out: bytes.
 * An estimate, for choosing among plans. The real map (assembly/emit/memory.ts) also has the new rows of
 * streamed layers and the workspace of kernels.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { maxOf } from '../lists.ts';

export function workspaceOf(
  graph: Graph,
  streamed: ReadonlySet<Node>,
  gathered: ReadonlyMap<number, number> = new Map(),
): number {
  const view = viewOf(graph);
  const places = new Map(graph.nodes.map((node, i) => [node, i]));
  /** By node: bytes that come into use there, minus bytes whose last reader ran before. */
  const changes = new Array<number>(graph.nodes.length + 1).fill(0);
  const add = (id: number, from: number, rows: number) => {
    const bytes = rows * view.frameBytes(id);
    const last = view.readers(id).reduce((end, node) => Math.max(end, places.get(node) ?? 0), from);
    changes[from] = (changes[from] as number) + bytes;
    changes[last + 1] = (changes[last + 1] as number) - bytes;
  };
  for (const [i, node] of graph.nodes.entries()) {
    if (!streamed.has(node) && !view.isOutput(node.output)) add(node.output, i, view.rows(node.output));
    const rows = gathered.get(node.output);
    if (rows !== undefined && !view.isOutput(node.output)) add(node.output, i, rows);
  }
  let alive = 0;
  return maxOf(changes.map((change) => (alive += change)));
}

/** Returns the bytes of histories that move per output. @param rows by tensor id @param moves per output */
export function movedBytes(graph: Graph, rows: Iterable<readonly [number, number]>, moves: number): number {
  let bytes = 0;
  for (const [id, history] of rows) bytes += history * viewOf(graph).frameBytes(id) * moves;
  return bytes;
}
