/**
 * Runs the trunk h, a chain of convolutions and pools, in double precision, and the head g.
 *
 * In: a float Graph of scripts/paper/networks.ts and rows of a signal.  Out: the rows of every layer.
 * `slide` adds no padding; the caller puts zeros or real rows around its input. All rows are summed in the
 * same order, so equal inputs give equal bits.
 */
import type { Graph, Node } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import type { FloatTensor } from '../../models/ops/op.ts';
import { floatRunner } from '../../models/stream/float.ts';

/** `[rows][channels]` */
export interface Rows {
  data: Float64Array;
  rows: number;
  channels: number;
}

export interface Layer {
  name: string;
  kernel: number;
  stride: number;
  dilation: number;
  /** Zero padding of the model. */
  pad: readonly [number, number];
  /** Number of input frames between two output rows. */
  jump: number;
  /** [channels][kernel][input channels], followed by ReLU; absent for pools. */
  weights?: Float64Array;
  pool?: 'max' | 'average';
}

function layerOf(graph: Graph, node: Node, jump: number): Layer {
  const rule = viewOf(graph).rule(node);
  if (rule.kind !== 'window') throw new Error(`${node.name} does not slide along time`);
  const { kernel, stride, dilation, pad } = rule;
  const common = { name: node.name, kernel, stride, dilation, pad, jump: jump * stride };
  if (node.op === 'conv') return { ...common, weights: Float64Array.from(node.attrs.weights.data) };
  return { ...common, pool: node.op === 'maxpool' ? 'max' : 'average' };
}

/** Returns the layers up to the embedding, the graph's second output. */
export function trunkOf(graph: Graph): Layer[] {
  const end = graph.nodes.findIndex((n) => n.output === graph.outputs[1]?.tensor);
  const layers: Layer[] = [];
  for (const node of graph.nodes.slice(0, end + 1)) layers.push(layerOf(graph, node, layers.at(-1)?.jump ?? 1));
  return layers;
}

/** Returns a function that runs the layers behind the embedding. */
export function headOf(graph: Graph): (embedding: Rows) => Float32Array {
  const end = graph.nodes.findIndex((n) => n.output === graph.outputs[1]?.tensor);
  return ({ data, rows, channels }) => {
    let x: FloatTensor = { data: Float32Array.from(data), shape: { t: rows, f: 1, c: channels } };
    for (const node of graph.nodes.slice(end + 1)) {
      const shape = graph.tensors[node.output]?.shape ?? x.shape;
      x = { data: floatRunner(node, [x], shape, 1), shape };
    }
    return x.data;
  };
}

export const signalRows = (data: Float32Array, channels: number): Rows => ({
  data: Float64Array.from(data),
  rows: data.length / channels,
  channels,
});

export const cut = (x: Rows, from: number, rows: number): Rows => {
  if (from < 0 || from + rows > x.rows) throw new Error(`rows ${from} to ${from + rows} of ${x.rows}`);
  return { data: x.data.slice(from * x.channels, (from + rows) * x.channels), rows, channels: x.channels };
};

export function join(...parts: Rows[]): Rows {
  const [{ channels }] = parts as [Rows];
  const rows = parts.reduce((n, part) => n + part.rows, 0);
  const data = new Float64Array(rows * channels);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { data, rows, channels };
}

export const zeros = (rows: number, channels: number): Rows => ({ data: new Float64Array(rows * channels), rows, channels });

/** Runs one layer without padding: row i reads rows i * stride + k * dilation. */
export function slide(layer: Layer, x: Rows): Rows {
  const rows = Math.floor((x.rows - (layer.kernel - 1) * layer.dilation - 1) / layer.stride) + 1;
  return layer.weights ? convolve(layer, layer.weights, x, rows) : pooled(layer, x, rows);
}

function convolve(layer: Layer, w: Float64Array, x: Rows, rows: number): Rows {
  const { data, channels } = x;
  const taps = layer.kernel * channels;
  const outputs = w.length / taps;
  const y = new Float64Array(rows * outputs);
  const dilated = layer.dilation * channels;
  // two rows and four outputs at a time share their loads; all widths are multiples of four, and the last row
  // of an odd number is computed twice
  for (let t = 0; t < rows; t += 2) {
    const u = Math.min(t + 1, rows - 1);
    const next = (u - t) * layer.stride * channels;
    for (let o = 0; o < outputs; o += 4) {
      let [t0, t1, t2, t3, u0, u1, u2, u3] = [0, 0, 0, 0, 0, 0, 0, 0];
      let at = o * taps;
      for (let k = 0; k < layer.kernel; k++) {
        const from = t * layer.stride * channels + k * dilated;
        for (let i = from; i < from + channels; i++, at++) {
          const a = data[i] as number;
          const b = data[i + next] as number;
          const w0 = w[at] as number;
          const w1 = w[at + taps] as number;
          const w2 = w[at + 2 * taps] as number;
          const w3 = w[at + 3 * taps] as number;
          t0 += a * w0;
          t1 += a * w1;
          t2 += a * w2;
          t3 += a * w3;
          u0 += b * w0;
          u1 += b * w1;
          u2 += b * w2;
          u3 += b * w3;
        }
      }
      at = t * outputs + o;
      y[at] = Math.max(t0, 0);
      y[at + 1] = Math.max(t1, 0);
      y[at + 2] = Math.max(t2, 0);
      y[at + 3] = Math.max(t3, 0);
      at = u * outputs + o;
      y[at] = Math.max(u0, 0);
      y[at + 1] = Math.max(u1, 0);
      y[at + 2] = Math.max(u2, 0);
      y[at + 3] = Math.max(u3, 0);
    }
  }
  return { data: y, rows, channels: outputs };
}

function pooled(layer: Layer, x: Rows, rows: number): Rows {
  const { data, channels } = x;
  const y = new Float64Array(rows * channels);
  for (let t = 0; t < rows; t++)
    for (let c = 0; c < channels; c++) {
      let max = Number.NEGATIVE_INFINITY;
      let sum = 0;
      for (let k = 0; k < layer.kernel; k++) {
        const value = data[(t * layer.stride + k) * channels + c] as number;
        sum += value;
        max = Math.max(max, value);
      }
      y[t * channels + c] = layer.pool === 'max' ? max : sum / layer.kernel;
    }
  return { data: y, rows, channels };
}
