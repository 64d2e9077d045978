/**
 * Writes a benchmark's Graph as an ONNX file, for peers that read ONNX, with the product's writer and inputs
 * that need no transposition.
 *
 * In: a Graph of one input.  Out: a ModelProto; input x float32 [1, c, t, f], one output.
 */
import type { Graph, Tensor } from '../../models/graph/types.ts';
import { writeOnnx } from '../../models/write/onnx/index.ts';

const shapeOf = (graph: Graph) => (graph.tensors[graph.inputs[0]?.tensor ?? -1] as Tensor).shape;

/** Converts a window [t][f][c] to the file's input [1, c, t, f]. */
export function onnxInput(graph: Graph, window: Float32Array): { data: Float32Array; dims: number[] } {
  const { t, f, c } = shapeOf(graph);
  const data = Float32Array.from(window, (_, i) => window[(i % (t * f)) * c + Math.floor(i / (t * f))] as number);
  return { data, dims: [1, c, t, f] };
}

export function onnxOf(graph: Graph): Uint8Array {
  const { t, f, c } = shapeOf(graph);
  const inputs = graph.inputs.map((port) => ({ ...port, name: 'x', fileShape: [1, c, t, f], order: ['c', 't', 'f'] as const }));
  return writeOnnx({ ...graph, inputs: inputs.map((port) => ({ ...port, order: [...port.order] })) });
}
