/**
 * Helpers of the TensorFlow Lite reader's tests: files, rows in normal form, and a float run of an int8
 * graph.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Graph, Node, OpName, Port, Shape, Tensor, Weights } from '../../models/graph/types.ts';
import { opOf } from '../../models/ops/index.ts';
import type { FloatTensor, OpDef } from '../../models/ops/op.ts';
import { toNormalForm } from '../../models/read/layout.ts';

const repoRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const fixturesDir = path.join(repoRoot, 'test/fixtures/tflite');
export const sharedModels = path.join(process.env.RUNLET_SHARED ?? path.join(repoRoot, '..', 'shared'), 'models');
export const hasSharedModels = existsSync(sharedModels);

export const fixtureNames = [
  'branches',
  'causal-tcn',
  'channels-first',
  'conv2d',
  'flat-input',
  'merged-features',
  'separable',
  'strided-same',
];
export const sharedNames = [
  'mlperf-tiny/str_ww_ref_model',
  'mlperf-tiny/kws_ref_model',
  'mlperf-tiny/ad01_int8',
  'mlperf-tiny/ic_pretrainedResnet_quant',
  'tflm/micro_speech_quantized',
  'tflm/hello_world_int8',
  'misc/heartbeats_quantized',
  'mltk/keyword_spotting_on_off',
  'mltk/tflite_micro_speech',
];

export const readBytes = (...parts: string[]): Uint8Array => new Uint8Array(readFileSync(path.join(...parts)));

/** Converts one row from the file's order to [t][f][c]. */
export function toGraph(graph: Graph, port: Port, row: ArrayLike<number>): Float32Array {
  const shape = graph.tensors[port.tensor]?.shape;
  if (!shape) throw new Error('no such tensor');
  return Float32Array.from(toNormalForm(port.order, shape), (from) => row[from] as number);
}

/** Converts the values of a graph output to a row in the file's order. */
export function toFile(graph: Graph, port: Port, values: Float32Array): Float32Array {
  const shape = graph.tensors[port.tensor]?.shape;
  if (!shape) throw new Error('no such tensor');
  const row = new Float32Array(values.length);
  toNormalForm(port.order, shape).forEach((to, i) => {
    row[to] = values[i] as number;
  });
  return row;
}

/**
 * Returns the graph with real weights: int8 weights are multiplied by their scales, int32 biases by the input
 * scale and the weight scale.
 */
export function dequantised(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => {
    if ('recurrent' in node.attrs) return realCell(graph, node);
    if (!(node.op === 'conv' || node.op === 'depthwise' || node.op === 'dense')) return node;
    const { weights, bias } = node.attrs;
    const channels =
      node.op === 'conv' ? node.attrs.outChannels : node.op === 'dense' ? node.attrs.units : channelsOf(graph, node);
    const scaleOf = (o: number) => weights.scales?.[o] ?? weights.scales?.[0] ?? 1;
    const per = weights.data.length / channels;
    const channelOf = (i: number) => (node.op === 'depthwise' ? i % channels : Math.floor(i / per));
    const real: Weights = { data: Float32Array.from(weights.data, (q, i) => q * scaleOf(channelOf(i))) };
    const inputScale = graph.tensors[node.inputs[0] as number]?.quant?.scale ?? 1;
    const realBias = bias && Float32Array.from(bias, (q, o) => q * inputScale * scaleOf(o));
    return { ...node, attrs: { ...node.attrs, weights: real, bias: realBias } } as Node;
  });
  return { ...graph, nodes };
}

/**
 * Returns a recurrent node with real weights. Row o of the recurrent weights is multiplied by scale o, and
 * its bias by scale o and the output's scale.
 */
function realCell(graph: Graph, node: Node): Node {
  if (!('recurrent' in node.attrs)) return node;
  const { recurrent, recurrentBias, units } = node.attrs;
  const scale = (o: number) => recurrent.scales?.[o] ?? 1;
  const data = Float32Array.from(recurrent.data, (q, i) => q * scale(Math.floor(i / units)));
  const h = graph.tensors[node.output]?.quant?.scale ?? 1;
  const bias = recurrentBias && Float32Array.from(recurrentBias, (q, o) => q * h * scale(o));
  return { ...node, attrs: { ...node.attrs, recurrent: { data }, recurrentBias: bias } } as Node;
}

const channelsOf = (graph: Graph, node: Node): number => graph.tensors[node.output]?.shape.c ?? 0;

/**
 * Runs a dequantised graph, and rounds its activations to the grids of their int8 tensors. `known` may
 * replace a computed tensor (by that of the reference run), so that each node starts from exact inputs and
 * must be within about one step.
 */
export function runOnGrid(
  graph: Graph,
  inputs: Float32Array[],
  known: (node: Node, computed: Float32Array) => Float32Array = (_, computed) => computed,
): Float32Array[] {
  const values: FloatTensor[] = [];
  const onGrid = (id: number, data: Float32Array): Float32Array => {
    const { scale, zeroPoint } = graph.tensors[id]?.quant ?? { scale: 1, zeroPoint: 0 };
    return data.map((x) => (Math.min(127, Math.max(-128, Math.round(x / scale) + zeroPoint)) - zeroPoint) * scale);
  };
  graph.inputs.forEach((port, i) => {
    values[port.tensor] = { data: onGrid(port.tensor, inputs[i] as Float32Array), shape: shapeAt(graph, port.tensor) };
  });
  for (const node of graph.nodes) {
    const op = opOf(node.op) as OpDef<OpName>;
    const xs = node.inputs.map((id) => values[id] as FloatTensor);
    const shape = shapeAt(graph, node.output);
    values[node.output] = { data: known(node, onGrid(node.output, op.float(xs, node.attrs, shape))), shape };
  }
  return values.map((value) => value.data);
}

const shapeAt = (graph: Graph, id: number): Shape => (graph.tensors[id] as Tensor).shape;
