/**
 * stepGraph: a graph that reads its states as inputs, made to run step by step.
 *
 * In: a Graph; one without own state is given back.  Out: the same, where padding of a step is rows
 * of its own: what stands as padding before a stream would be its past. Error: RN302 where rows of the past
 * stand before a tensor that is no stream.
 */
import { RunletError } from '../error.ts';
import { StepStreams } from '../graph/stateful.ts';
import type { Graph, Node, Tensor } from '../graph/types.ts';

export function stepGraph(graph: Graph): Graph {
  if (!graph.stateful) return graph;
  const tensors: Tensor[] = [...graph.tensors];
  const streams = new StepStreams({ tensors, inputs: graph.inputs });
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const padded = node.op === 'conv' || node.op === 'depthwise' ? node.attrs.padT : [0, 0];
    const [x] = node.inputs as [number];
    const own = padded.some((n) => n > 0) && streams.isStream(x);
    const made = own ? withRows(node, tensors) : [node];
    for (const one of made) check(one, streams.add(one));
    return made;
  });
  return { ...graph, tensors, nodes };
}

/** The padding along time as a node before this one. */
function withRows(node: Node, tensors: Tensor[]): Node[] {
  if (node.op !== 'conv' && node.op !== 'depthwise') return [node];
  const [before, after] = node.attrs.padT;
  const [x] = node.inputs as [number];
  const from = tensors[x] as Tensor;
  const name = `${node.name}/padding`;
  const attrs = { before, after, own: 'zero' as const };
  const output = tensors.length;
  tensors.push({ ...from, id: output, name, shape: { ...from.shape, t: from.shape.t + before + after } });
  const rest = { ...node, inputs: [output], attrs: { ...node.attrs, padT: [0, 0] } } as Node;
  return [{ op: 'history', name, inputs: [x], output, attrs }, rest];
}

function check(node: Node, isTrunk: boolean): void {
  if (node.op !== 'history' || node.attrs.own || node.attrs.before <= 0 || isTrunk) return;
  throw new RunletError('RN302', {
    what: 'rows of the past stand before rows that belong to one step alone',
    where: node.name,
    why: 'a layer before it works on the rows of one step, so that the rows of two steps do not follow each other',
    tryThis: 'valid padding in front of it, with the earlier rows kept in states',
  });
}
