/**
 * stepGraph: makes a stateful graph ready to run step by step.
 *
 * In: a Graph. A graph without own state is returned unchanged.  Out: the graph with the padding of layers on
 * streams as separate history nodes with `own` rows; otherwise it would mean earlier rows of the stream.
 * Error: RN302 if earlier rows are put before a tensor that is not a stream.
 */
import { hasWeights } from './channels.ts';
import { checkPast, StepStreams } from './stateful.ts';
import type { Graph, HistoryAttrs, Node, NodeOf, Tensor } from './types.ts';

export function stepGraph(graph: Graph): Graph {
  if (!graph.stateful) return graph;
  const tensors: Tensor[] = [...graph.tensors];
  const streams = new StepStreams({ tensors, inputs: graph.inputs });
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [x] = node.inputs as [number];
    const pad = hasWeights(node) && 'padT' in node.attrs ? node.attrs.padT : ([0, 0] as const);
    const padded = pad.some((n) => n > 0);
    const own = { before: pad[0], after: pad[1], own: 'zero' } as const;
    const made = padded && streams.isStream(x) ? withRows(node, own, tensors) : [node];
    for (const one of made) checkPast(one, streams.add(one));
    return made;
  });
  return { ...graph, tensors, nodes };
}

/** Returns the node with its padding along time as a separate node before it. Adds a tensor to `tensors`. */
export function withRows(node: Node, rows: HistoryAttrs, tensors: Tensor[]): [NodeOf<'history'>, Node] {
  const [x] = node.inputs as [number];
  const from = tensors[x] as Tensor;
  const name = `${node.name}/padding`;
  const output = tensors.length;
  tensors.push({ ...from, id: output, name, shape: { ...from.shape, t: from.shape.t + rows.before + rows.after } });
  const rest = { ...node, inputs: [output], attrs: { ...node.attrs, padT: [0, 0] } } as Node;
  return [{ op: 'history', name, inputs: [x], output, attrs: rows }, rest];
}
