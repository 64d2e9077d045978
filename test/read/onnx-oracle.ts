/**
 * The float oracle: onnxruntime's outputs for an ONNX file, in normal form.
 *
 * In: a file's bytes, and the graph that the reader made of it.  Out: the outputs of onnxruntime and of the
 * graph for a seeded random window.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { thenClamp } from '../../models/graph/clamp.ts';
import { elementsOf, type Graph, isQuantised, type Port } from '../../models/graph/types.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { runFloat } from '../graph/run-float.ts';

type Runtime = { InferenceSession: typeof InferenceSession; Tensor: typeof Tensor };

/**
 * Returns onnxruntime's WebAssembly build, or undefined if it does not load. It is a development dependency
 * and needs no download after its installation.
 */
export async function loadRuntime(): Promise<Runtime | undefined> {
  try {
    const runtime = await import('onnxruntime-web');
    // further threads would keep the process alive
    runtime.env.wasm.numThreads = 1;
    return runtime;
  } catch {
    return undefined;
  }
}

/** Returns a generator of seeded standard normal values (mulberry32, Box-Muller). */
export function seededNormal(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

const shapeOf = (graph: Graph, port: Port) => graph.tensors[port.tensor]?.shape ?? { t: 0, f: 0, c: 0 };

/** Returns one random window per input, in file order. */
export function randomInputs(graph: Graph, seed: number): Float32Array[] {
  const next = seededNormal(seed);
  return graph.inputs.map((port) => Float32Array.from({ length: elementsOf(shapeOf(graph, port)) }, next));
}

/** Reorders values from file order to [t][f][c]. */
export function normalForm(graph: Graph, port: Port, data: Float32Array): Float32Array {
  const map = toNormalForm(port.order, shapeOf(graph, port));
  return Float32Array.from(map, (from) => data[from] as number);
}

/** Returns onnxruntime's outputs, each [t][f][c]. */
export async function oracle(runtime: Runtime, bytes: Uint8Array, graph: Graph, inputs: Float32Array[]): Promise<Float32Array[]> {
  const session = await runtime.InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  const feeds: Record<string, Tensor> = {};
  graph.inputs.forEach((port, i) => {
    feeds[port.name] = new runtime.Tensor('float32', inputs[i] as Float32Array, port.fileShape);
  });
  const results = await session.run(feeds);
  const outputs = graph.outputs.map((port) => {
    const tensor = results[port.name] as Tensor;
    if (tensor.dims.join() !== port.fileShape.join())
      throw new Error(`${port.name}: [${tensor.dims}] is not [${port.fileShape}]`);
    return normalForm(graph, port, Float32Array.from(tensor.data as Iterable<number | bigint>, Number));
  });
  await session.release();
  return outputs;
}

/** Returns runFloat's outputs; for an int8 graph with dequantised weights and unrounded activations. */
export function ownOutputs(graph: Graph, inputs: Float32Array[]): Float32Array[] {
  const float = isQuantised(graph) ? dequantised(graph) : graph;
  const values = runFloat(
    float,
    graph.inputs.map((port, i) => normalForm(graph, port, inputs[i] as Float32Array)),
  );
  return graph.outputs.map((port) => values[port.tensor] as Float32Array);
}

/**
 * Intersects the node's clamp with the range of its int8 output: quantised files omit a ReLU if saturation
 * has the same effect.
 */
function saturated(graph: Graph, node: Graph['nodes'][number]): Graph['nodes'][number] {
  const quant = graph.tensors[node.output]?.quant;
  if (!quant || !('clamp' in node.attrs)) return node;
  const range = [(-128 - quant.zeroPoint) * quant.scale, (127 - quant.zeroPoint) * quant.scale] as const;
  return { ...node, attrs: { ...node.attrs, clamp: thenClamp(node.attrs.clamp, range) } } as typeof node;
}

/** Returns the float graph that an int8 graph approximates. */
export function dequantised(graph: Graph): Graph {
  const nodes = graph.nodes.map((given) => {
    const node = saturated(graph, given);
    if (node.op !== 'conv' && node.op !== 'depthwise' && node.op !== 'dense') return node;
    const { weights, bias } = node.attrs;
    const scales = weights.scales ?? new Float64Array([1]);
    const channels = node.op === 'dense' ? node.attrs.units : (graph.tensors[node.output]?.shape.c ?? 1);
    const row = weights.data.length / channels;
    const scaleOf = (o: number) => scales[scales.length > 1 ? o : 0] as number;
    const data = Float32Array.from(
      weights.data,
      (w, i) => w * scaleOf(node.op === 'depthwise' ? i % channels : Math.floor(i / row)),
    );
    const input = graph.tensors[node.inputs[0] as number]?.quant?.scale ?? 1;
    const real = bias && Float32Array.from(bias, (b, o) => b * input * scaleOf(o));
    return { ...node, attrs: { ...node.attrs, weights: { data }, bias: real } };
  });
  return { ...graph, nodes: nodes as Graph['nodes'], tensors: graph.tensors.map(({ quant: _, ...t }) => t) };
}

/** Returns the largest difference, relative to the oracle's largest absolute output, at least `minScale`. */
export function relativeError(own: Float32Array, theirs: Float32Array, minScale = 0): number {
  if (own.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = minScale;
  for (let i = 0; i < own.length; i++) {
    const gap = Math.abs((own[i] as number) - (theirs[i] as number));
    difference = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(difference, gap);
    largest = Math.max(largest, Math.abs(theirs[i] as number));
  }
  return difference / (largest || 1);
}
