/**
 * stepGraph: makes a stateful graph ready to run step by step.
 *
 * In: a Graph. A graph without own state is returned unchanged.  Out: the graph with the padding of layers on
 * streams as separate history nodes with `own` rows; otherwise it would mean earlier rows of the stream.
 * Error: RN302 if earlier rows are put before a tensor that is not a stream.
 */
import { hasWeights } from './channels.ts';
import { checkPast, StepStreams } from './stateful.ts';
import type { Graph, Node, Tensor } from './types.ts';

export function stepGraph(graph: Graph): Graph {
  if (!graph.stateful) return graph;
  const tensors: Tensor[] = [...graph.tensors];
  const streams = new StepStreams({ tensors, inputs: graph.inputs });
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [x] = node.inputs as [number];
    const pad = hasWeights(node) && 'padT' in node.attrs ? node.attrs.padT : ([0, 0] as const);
    const padded = pad.some((n) => n > 0);
    const made = padded && streams.isStream(x) ? withRows(node, pad, tensors) : [node];
    for (const one of made) checkPast(one, streams.add(one));
    return made;
  });
  return { ...graph, tensors, nodes };
}

/** Returns the node with its padding along time as a separate node before it. */
function withRows(node: Node, [before, after]: readonly [number, number], tensors: Tensor[]): Node[] {
  const [x] = node.inputs as [number];
  const from = tensors[x] as Tensor;
  const name = `${node.name}/padding`;
  const attrs = { before, after, own: 'zero' as const };
  const output = tensors.length;
  tensors.push({ ...from, id: output, name, shape: { ...from.shape, t: from.shape.t + before + after } });
  const rest = { ...node, inputs: [output], attrs: { ...node.attrs, padT: [0, 0] } } as Node;
  return [{ op: 'history', name, inputs: [x], output, attrs }, rest];
}
