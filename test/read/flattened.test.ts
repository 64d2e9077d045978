/**
 * Flattened and reordered windows in ONNX files: flattened windows that are concatenated, layers along time
 * whose outputs become rows, and slopes per channel.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type ModelOf, writeModel } from '../../models/write/onnx/proto.ts';
import { checkStreamed, testAgainstOracle } from './against-oracle.ts';
import { ownOutputs, relativeError, seededNormal } from './onnx-oracle.ts';

type Nodes = ModelOf['nodes'];
const [frames, channels] = [12, 5];

/** Returns a convolution from 3 to 5 channels over 12 frames, followed by the nodes `after`. */
function network(after: Nodes, shapes: Record<string, number[]>, ints: Record<string, number[]> = {}): ModelOf {
  const next = seededNormal(5);
  const floats = Object.entries({ W: [channels, 3, 3], ...shapes }).map(([name, dims]) => {
    const count = dims.reduce((a, b) => a * b, 1);
    return [name, { dims, floats: Array.from({ length: count }, () => 0.4 * next()) }];
  });
  const whole = Object.entries(ints).map(([name, values]) => [name, { dims: [values.length], ints: values }]);
  return {
    nodes: [{ op: 'Conv', inputs: ['x', 'W'], outputs: ['a'], attributes: { kernel_shape: [3], pads: [1, 1] } }, ...after],
    inputs: { x: [1, 3, frames] },
    outputs: ['y'],
    tensors: Object.fromEntries([...floats, ...whole]),
    opset: 17,
  };
}

const node = (op: string, inputs: string[], output: string, attributes: Nodes[number]['attributes'] = {}): Nodes[number] => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});
const head = (from: string): Nodes => [node('Gemm', [from, 'V', 'b'], 'y', { transB: 1 })];
const flat = (from: string, to: string) => node('Flatten', [from], to);
const pooled = [node('GlobalMaxPool', ['a'], 'm'), flat('m', 'm1')];

test('--time-axis declares that the first operator is a layer along time', async () => {
  const tensors = { T: { dims: [12, 6], floats: Array.from({ length: 72 }, seededNormal(9)) } };
  const bytes = writeModel({ nodes: [node('MatMul', ['x', 'T'], 'y')], inputs: { x: [1, 3, 12] }, outputs: ['y'], tensors, opset: 17 }); // biome-ignore format: one line
  const graph = readOnnx(bytes, { timeAxis: 2 });
  assert.equal(graph.tensors[graph.inputs[0]?.tensor ?? -1]?.shape, { t: 12, f: 1, c: 3 });
  const asFrames = readOnnx(bytes);
  const x = Float32Array.from({ length: 36 }, seededNormal(4));
  const [own] = ownOutputs(graph, [x]);
  const [other] = ownOutputs(asFrames, [x]);
  assert.ok(relativeError(own as Float32Array, other as Float32Array) < 1e-6);
  await checkStreamed(graph);
});

testAgainstOracle({
  'a flattened window concatenated with its maxima': network(
    [flat('a', 'f'), ...pooled, node('Concat', ['f', 'm1'], 'j', { axis: 1 }), node('Relu', ['j'], 'r'), ...head('r')],
    { V: [4, channels * frames + channels], b: [4] },
  ),
  'flattened windows of two branches, frames first and channels first': network(
    [
      node('MaxPool', ['a'], 'p', { kernel_shape: [2], strides: [2] }),
      node('Transpose', ['p'], 't', { perm: [0, 2, 1] }),
      flat('t', 'f'),
      flat('a', 'g'),
      node('Concat', ['f', 'g'], 'j', { axis: 1 }),
      ...head('j'),
    ],
    { V: [3, channels * (frames / 2) + channels * frames], b: [3] },
  ),
  'a layer along time, added to its rows (a mixer)': network(
    [
      node('MatMul', ['a', 'T'], 'h'),
      node('Relu', ['h'], 'r'),
      node('MatMul', ['r', 'B'], 'k'),
      node('Add', ['a', 'k'], 's'),
      node('Transpose', ['s'], 't', { perm: [0, 2, 1] }),
      node('MatMul', ['t', 'C'], 'c'),
      node('Add', ['t', 'c'], 'z'),
      node('ReduceMean', ['z'], 'y', { axes: [1], keepdims: 0 }),
    ],
    { T: [frames, 7], B: [7, frames], C: [channels, channels] },
  ),
  'a forecast: a layer along time as the output': network([node('MatMul', ['a', 'T'], 'y')], { T: [frames, 6] }),
  'a layer along time, then one over channels': network(
    [node('MatMul', ['a', 'T'], 'h'), node('Transpose', ['h'], 't', { perm: [0, 2, 1] }), node('MatMul', ['t', 'C'], 'y')],
    { T: [frames, 4], C: [channels, 3] },
  ),
  'a sliced window that is also read completely, under another name': network(
    [
      node('Transpose', ['a'], 't', { perm: [0, 2, 1] }),
      node('Slice', ['t', 'from', 'to', 'one'], 's'),
      node('ReduceMean', ['s'], 'm', { axes: [1], keepdims: 0 }),
      node('ReduceMean', ['a'], 'n', { axes: [2], keepdims: 0 }),
      node('Concat', ['m', 'n'], 'j', { axis: 1 }),
      ...head('j'),
    ],
    { V: [3, 2 * channels], b: [3] },
    { from: [1], to: [frames - 1], one: [1] },
  ),
  'one slope per channel': network([node('PRelu', ['a', 's'], 'p'), ...pooled.map((n) => ({ ...n, inputs: n.inputs.map((i) => (i === 'a' ? 'p' : i)) })), ...head('m1')], { s: [channels, 1], V: [3, channels], b: [3] }), // biome-ignore format: one line
});

test.run();
