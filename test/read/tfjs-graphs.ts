/**
 * Writes graph models of TensorFlow.js node by node, as the converter does, and runs them with TensorFlow.js.
 *
 * In: nodes and constants.  Out: model.json, its weights, and the outputs of tfjs-converter's executor.
 */
import '@tensorflow/tfjs-backend-cpu';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { isRunletError } from '../../models/error.ts';
import { readModel } from '../../models/read/index.ts';
import { random } from '../property/random-network.ts';
import type { Files } from './tfjs-models.ts';

type Attribute = number | boolean | string | { float: number } | { ints: number[] } | { texts: string[] } | { type: string };

export interface GraphNode {
  name: string;
  op: string;
  inputs?: string[];
  attributes?: Record<string, Attribute>;
}
export interface GraphConstant {
  dims: number[];
  /** Values. Default: random floats. */
  values?: number[];
  whole?: boolean;
}
export interface GraphModel {
  nodes: GraphNode[];
  constants?: Record<string, GraphConstant>;
  input: (number | null)[];
  outputs: string[];
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function attributeOf(value: Attribute): unknown {
  if (typeof value === 'number') return { i: String(value) };
  if (typeof value === 'boolean') return { b: value };
  if (typeof value === 'string') return { s: base64(value) };
  if ('float' in value) return { f: value.float };
  if ('ints' in value) return { list: { i: value.ints.map(String) } };
  return 'texts' in value ? { list: { s: value.texts.map(base64) } } : { type: value.type };
}

const count = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Returns the files of a graph model, with random constants from `seed`. */
export function graphFiles({ nodes, constants = {}, input, outputs }: GraphModel, seed = 1): Files {
  const rnd = random(seed);
  const parts: Uint8Array[] = [];
  const weights = Object.entries(constants).map(([name, { dims, values, whole }]) => {
    const data = values ?? Array.from({ length: count(dims) }, () => 1.2 * rnd() - 0.6);
    parts.push(new Uint8Array((whole ? Int32Array.from(data) : Float32Array.from(data)).buffer));
    return { name, shape: dims, dtype: whole ? 'int32' : 'float32' };
  });
  const shape = { dim: input.map((n) => ({ size: String(n ?? -1) })) };
  const node = [
    ...weights.map(({ name, dtype, shape: dims }) => ({
      name,
      op: 'Const',
      attr: {
        dtype: { type: dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT' },
        value: { tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: dims.map((n) => ({ size: String(n) })) } } },
      },
    })),
    { name: 'x', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape } } },
    ...nodes.map(({ name, op, inputs = [], attributes = {} }) => ({
      name,
      op,
      input: inputs,
      attr: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)])),
    })),
  ];
  const described = (name: string) => ({ name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: {} });
  const json = {
    format: 'graph-model',
    generatedBy: 'test',
    convertedBy: null,
    signature: {
      inputs: { x: { ...described('x'), tensorShape: shape } },
      outputs: Object.fromEntries(outputs.map((name) => [name, described(name)])),
    },
    modelTopology: { node, library: {}, versions: { producer: 1 } },
    weightsManifest: [{ paths: ['weights.bin'], weights }],
  };
  return { json: new TextEncoder().encode(JSON.stringify(json)), files: { 'weights.bin': new Uint8Array(Buffer.concat(parts)) } };
}

/** Returns the outputs of TensorFlow.js for one input in file order. */
export async function graphAnswers(
  { json, files }: Files,
  shape: readonly number[],
  data: Float32Array,
): Promise<Float32Array[]> {
  const tree = JSON.parse(new TextDecoder().decode(json));
  const weightData = (files['weights.bin'] as Uint8Array).slice().buffer;
  const artifacts = { ...tree, weightSpecs: tree.weightsManifest[0].weights, weightData };
  const model = await loadGraphModel(tf.io.fromMemory(artifacts) as unknown as string);
  const outputs = Object.keys(tree.signature.outputs);
  const x = tf.tensor(data, [...shape]);
  const results = model.execute({ x }, outputs) as tf.Tensor | tf.Tensor[];
  const values = [results].flat().map((y) => y.dataSync() as Float32Array);
  model.dispose();
  return values;
}

export const ints = (values: number[], dims = [values.length]): GraphConstant => ({ dims, values, whole: true });
export const number = (value: number): GraphConstant => ({ dims: [], values: [value] });
export const weights = (...dims: number[]): GraphConstant => ({ dims });
export const node = (name: string, op: string, inputs: string[], attributes: GraphNode['attributes'] = {}): GraphNode => ({
  name,
  op,
  inputs,
  attributes,
});
export const window = (strides: number[], padding: string, more: GraphNode['attributes'] = {}): GraphNode['attributes'] => ({
  strides: { ints: strides },
  padding,
  data_format: 'NHWC',
  dilations: { ints: [1, 1, 1, 1] },
  ...more,
});
export const fused = (...ops: string[]): GraphNode['attributes'] => ({
  fused_ops: { texts: ops },
  num_args: ops.length > 0 ? 1 : 0,
});

/** A model [1, 20, 6, 3] -> conv -> `nodes`. */
export const plane = (nodes: GraphNode[], constants: Record<string, GraphConstant> = {}): GraphModel => ({
  input: [null, 20, 6, 3],
  nodes: [node('c', 'Conv2D', ['x', 'k'], window([1, 1, 1, 1], 'SAME')), ...nodes],
  constants: { k: weights(3, 2, 3, 4), ...constants },
  outputs: [nodes.at(-1)?.name ?? 'c'],
});

/** A model [n, 24, 3] -> [n, 1, 24, 3] -> conv -> [n, 24, 5] -> `nodes`. */
export const line = (nodes: GraphNode[], constants: Record<string, GraphConstant>): GraphModel => ({
  input: [null, 24, 3],
  nodes: [
    node('e', 'ExpandDims', ['x', 'one']),
    node('c', 'Conv2D', ['e', 'k'], window([1, 1, 1, 1], 'SAME')),
    node('s', 'Squeeze', ['c'], { squeeze_dims: { ints: [-3] } }),
    ...nodes,
  ],
  constants: { one: ints([1], []), k: weights(1, 3, 3, 5), ...constants },
  outputs: [nodes.at(-1)?.name ?? 's'],
});

/** Returns the message of reading a model after a change to its tree. */
export async function refusal(model: GraphModel, change: (tree: never) => void = () => {}, options = {}): Promise<string> {
  const { json, files } = graphFiles(model);
  const tree = JSON.parse(new TextDecoder().decode(json));
  change(tree as never);
  try {
    await readModel(new TextEncoder().encode(JSON.stringify(tree)), { files, ...options });
  } catch (error) {
    if (isRunletError(error)) return error.message;
    throw error;
  }
  return 'read';
}
