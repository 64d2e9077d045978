/**
 * Rules of the TensorFlow.js reader that can be tested without the library: paths and sizes of weight files,
 * names, defaults of layers.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import type { NodeOf } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import type { ModelFiles } from '../../models/read/options.ts';
import { ownOutputs } from './onnx-oracle.ts';

type Layer = { class_name: string; config: Record<string, unknown> };
const input: Layer = { class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [null, 12, 2] } };
const conv = (name: string, more: Record<string, unknown> = {}): Layer => ({
  class_name: 'Conv1D',
  config: { name, filters: 1, kernel_size: [3], use_bias: false, activation: 'linear', padding: 'valid', ...more },
});
const kernelOf = (name: string) => ({ name: `${name}/kernel`, shape: [3, 2, 1], dtype: 'float32' });

/** Returns a chain of layers whose weights are in the files `paths`. */
function modelOf(layers: Layer[], weights: unknown[], paths: string[] = ['w.bin']): Uint8Array {
  const config = { name: 'chain', layers: [input, ...layers] };
  const modelTopology = { class_name: 'Sequential', config };
  return new TextEncoder().encode(
    JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: [{ paths, weights }] }),
  );
}
const six = new Uint8Array(new Float32Array([1, 2, 3, 4, 5, 6]).buffer);
const refusal = async (json: Uint8Array, files: ModelFiles): Promise<string> => {
  try {
    await readModel(json, { files });
  } catch (error) {
    if (isRunletError(error)) return error.message;
    throw error;
  }
  return 'read';
};

test('a path that leads out of the folder is refused before a file is requested', async () => {
  for (const path of [
    '../w',
    '/w',
    'a/../../w',
    'a/..',
    'a/./w',
    'a/./w',
    'a//w',
    'C:\\w',
    'https://x/w',
    'w?',
    'w#',
    'w\0',
    '..',
    '.',
  ]) {
    const asked: string[] = [];
    const files = async (name: string) => {
      asked.push(name);
      return six;
    };
    assert.match(await refusal(modelOf([conv('c')], [kernelOf('c')], [path]), files), /leads out of the folder/, path);
    assert.equal(asked, [], path);
  }
  assert.is(await refusal(modelOf([conv('c')], [kernelOf('c')], ['a/w.bin']), async () => six), 'read');
});

test('inherited property names are not found as files', async () => {
  for (const path of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
    assert.match(await refusal(modelOf([conv('c')], [kernelOf('c')], [path]), {}), /it is not there/, path);
});

test('a file that is larger or smaller than its weights is refused', async () => {
  const json = modelOf([conv('c')], [kernelOf('c')]);
  for (const bytes of [0, 20, 23, 25, 28, 48]) {
    const file = new Uint8Array(bytes);
    assert.match(await refusal(json, { 'w.bin': file }), /bytes are there|are needed|size/, `${bytes}`);
  }
  assert.is(await refusal(json, { 'w.bin': six }), 'read');
});

test('two layers or two weights with the same name are refused', async () => {
  const twice = new Uint8Array([...six, ...six]);
  const wide = conv('c', { filters: 2, kernel_size: [1] });
  assert.match(await refusal(modelOf([conv('c'), wide], [kernelOf('c')]), { 'w.bin': six }), /two layers are named c/);
  assert.match(await refusal(modelOf([conv('c')], [kernelOf('c'), kernelOf('c')]), { 'w.bin': twice }), /two weights are named/);
});

test('a pool without strides has a stride of its size', async () => {
  const pool: Layer = { class_name: 'MaxPooling1D', config: { name: 'p', pool_size: [3], padding: 'valid' } };
  const graph = await readModel(modelOf([conv('c'), pool], [kernelOf('c')]), { files: { 'w.bin': six } });
  const { kernelT, strideT } = (graph.nodes.find((node) => node.op === 'maxpool') as NodeOf<'maxpool'>).attrs;
  assert.equal([kernelT, strideT], [3, 3]);
});

interface Joined extends Layer {
  inbound_nodes: unknown[];
}

/** Returns a model with the input x, its tanh t, and a layer d that reads them. */
function joining(d: Joined): Uint8Array {
  const tanh = { class_name: 'Activation', config: { name: 't', activation: 'tanh' }, inbound_nodes: [[['x', 0, 0, {}]]] };
  const layers = [{ ...input, inbound_nodes: [] }, tanh, d].map((l) => ({ ...l, name: l.config.name }));
  const config = { name: 'm', layers, input_layers: [['x', 0, 0]], output_layers: [['d', 0, 0]] };
  const modelTopology = { class_name: 'Functional', config };
  return new TextEncoder().encode(JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: [] }));
}

test('functions that Keras 2 calls as layers take two values, or a value and a constant', async () => {
  const called = (fn: string, y: unknown) =>
    joining({ class_name: 'TFOpLambda', config: { name: 'd', function: fn }, inbound_nodes: [['t', 0, 0, { y, name: null }]] });
  const values = Array.from({ length: 24 }, (_, i) => ((7 * i) % 17) / 8 - 1);
  const of = async (fn: string, y: unknown) => {
    const graph = await readModel(called(fn, y), { files: {} });
    return [...(ownOutputs(graph, [Float32Array.from(values)])[0] as Float32Array)];
  };
  const t = await of('math.add', 0);
  assert.equal(await of('__operators__.add', ['x', 0, 0]), t.map((v, i) => Math.fround(v + (values[i] as number)))); // biome-ignore format: one line
  assert.equal(await of('math.multiply', ['x', 0, 0]), t.map((v, i) => Math.fround(v * (values[i] as number)))); // biome-ignore format: one line
  assert.equal(await of('math.subtract', [[2, 3]]), t.map((v, i) => Math.fround(v - 2 - (i % 2)))); // biome-ignore format: one line
  // not a mask, because no softmax reads it
  assert.equal(await of('math.add', [[-20000, 0]]), t.map((v, i) => Math.fround(v - (i % 2 ? 0 : 20000)))); // biome-ignore format: one line
  assert.match(
    await refusal(called('math.add', [[1, 2], [3]]), {}),
    /Add d: its argument 1 is no number and no array of numbers/,
  );
  assert.match(await refusal(called('math.add', [[1, 2, 3]]), {}), /\[1, 3\]/);
  assert.match(await refusal(called('math.floordiv', ['x', 0, 0]), {}), /Floordiv d: the layer is not supported/);
});

test('functions with unsupported arguments are refused', async () => {
  const tensor = { class_name: '__keras_tensor__', config: { keras_history: ['t', 0, 0] } };
  const of = (class_name: string, config: object, ...more: unknown[]) =>
    refusal(joining({ class_name, config: { name: 'd', ...config }, inbound_nodes: [{ args: [tensor, ...more], kwargs: {} }] }), {}); // biome-ignore format: one line
  assert.match(await of('Average', { axis: 1 }), /Average d: it takes two values or more/);
  assert.match(await of('Dot', {}, tensor), /Dot d: it takes two values, an axis of each/);
  assert.match(await of('Cast', { dtype: 'int32' }), /Cast d: a cast to int32/);
  assert.match(await of('Softmax', { axis: [1, 2] }, 0), /Softmax d: its axis is no number/);
  assert.match(await of('Take', { axis: null }, 1), /Take d: its axis is no number/);
  assert.match(await of('Max', { axis: 1, keepdims: false, initial: 3 }), /Max d: it begins with a value of its own/);
  assert.match(await of('Mean', { axis: null, keepdims: false }), /Mean d: it reduces the batch too/);
  assert.match(await of('Reshape', { newshape: [4, 2] }), /Reshape d: a shape of \[4, 2\] for 24 values/);
  assert.match(await of('GetItem', {}, [0]), /GetItem d: it takes the batch away/);
  assert.match(await of('GetItem', {}, [tensor, 1]), /GetItem d: its index is no constant/);
});

test('Subtract computes the first value minus the second', async () => {
  const of = (...from: string[]) =>
    joining({ class_name: 'Subtract', config: { name: 'd' }, inbound_nodes: [from.map((name) => [name, 0, 0, {}])] });
  const graph = await readModel(of('t', 'x'), { files: {} });
  const node = graph.nodes.at(-1) as NodeOf<'add'>;
  assert.equal([node.op, node.attrs.minus], ['add', 1]);
  assert.equal(node.inputs, [graph.nodes[0]?.output, graph.inputs[0]?.tensor]);
  assert.match(await refusal(of('t', 'x', 't'), {}), /it takes two values/);
});

test.run();
