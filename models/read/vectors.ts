/**
 * withVectors: turns inputs of one frame into signals if the graph has other signals.
 *
 * In: a Graph.  Out: the Graph. An input of one frame for the whole window (a person's height, a state that
 * the host feeds back) takes one frame at each tick of the other inputs, and the newest one counts. The
 * windowed model is the same: it reads the last frame of that input.
 */
import { clockOf } from '../graph/clock.ts';
import type { Graph, Node, Port, Tensor } from '../graph/types.ts';

export function withVectors(graph: Graph): Graph {
  const framesOf = ({ tensor }: Port) => graph.tensors[tensor]?.shape.t ?? 0;
  const signals = graph.inputs.filter((port) => framesOf(port) > 1);
  if (graph.stateful || signals.length === 0 || signals.length === graph.inputs.length) return graph;
  const { window } = clockOf({ ...graph, inputs: signals });
  if (window < 2) return graph;
  const tensors = [...graph.tensors];
  const newest: Node[] = [];
  const notes = [...graph.notes];
  const inputs = graph.inputs.map((port): Port => {
    if (signals.includes(port)) return port;
    const oneFrame = graph.tensors[port.tensor] as Tensor;
    const tensor = tensors.length;
    tensors.push({ ...oneFrame, id: tensor, name: `${oneFrame.name}/frames`, shape: { ...oneFrame.shape, t: window } });
    const attrs = { before: 1 - window, after: 0 };
    newest.push({ op: 'history', name: `${port.name}/newest`, inputs: [tensor], output: port.tensor, attrs });
    notes.push(`input '${port.name}' has one frame: it takes a frame with each frame of the signal, and the newest one counts`);
    const fileShape = [port.fileShape[0] ?? 1, window, ...port.fileShape.slice(1)];
    return { ...port, tensor, fileShape, order: ['t', ...port.order.filter((axis) => axis !== 't')] };
  });
  return { ...graph, tensors, inputs, nodes: [...newest, ...graph.nodes], notes };
}
