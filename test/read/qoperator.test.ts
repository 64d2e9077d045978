/**
 * QOperator files: the inputs and attributes of their operators besides a value, a scale and a zero point.
 * qdq-layers.test.ts compares the values of quantize_static's files with onnxruntime.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the oracle is skipped');

const node = (op: string, inputs: string, outputs: string, attributes: NodeOf['attributes'] = {}): NodeOf => ({
  op,
  name: op,
  domain: op === 'QGemm' || op === 'QLinearAveragePool' ? 'com.microsoft' : '',
  inputs: inputs.split(' ').map((name) => (name === '-' ? '' : name)),
  outputs: [outputs],
  attributes,
});
const real = (...floats: number[]): TensorOf => ({ dims: floats.length > 1 ? [floats.length] : [], floats });
const tensors: Record<string, TensorOf> = {
  s: real(0.02),
  out: real(0.05),
  zero: { dims: [], int8: [3] },
  none: { dims: [], int8: [0] },
  w: { dims: [2, 4], int8: [10, -20, 30, 40, 127, -100, 50, 5] },
  two: real(0.03, 0.01),
  nones: { dims: [2], int8: [0, 0] },
  bias: { dims: [2], int32: [500, -700] },
};
/** Returns a file with one operator over [1, 4]. */
const file = (of: NodeOf, more: Record<string, TensorOf> = {}, shape = [1, 4]): Uint8Array =>
  writeModel({
    nodes: [node('QuantizeLinear', 'x s zero', 'q'), of, node('DequantizeLinear', 'r out zero', 'y')],
    inputs: { x: shape },
    outputs: ['y'],
    tensors: { ...tensors, ...more },
    opset: 13,
  });

for (const [name, scale, zero] of [
  ['one scale', 's', 'none'],
  ['one scale per output', 'two', 'nones'],
] as const)
  (runtime ? test : test.skip)(`QGemm with alpha and a bias agrees with onnxruntime, ${name}`, async () => {
    if (!runtime) return;
    const inputs = `q s zero w ${scale} ${zero} bias out zero`;
    const bytes = file(node('QGemm', inputs, 'r', { transB: 1, alpha: { float: 0.25 } }));
    const graph = readOnnx(bytes);
    const x = randomInputs(graph, 5);
    const [wanted] = await oracle(runtime, bytes, graph, x);
    // half a step of the input and half a step of the output
    assert.ok(relativeError(ownOutputs(graph, x)[0] as Float32Array, wanted as Float32Array) < 0.1);
    const [dense] = graph.nodes;
    assert.ok(dense && 'bias' in dense.attrs);
    assert.equal(dense.attrs.bias, Int32Array.of(500, -700));
  });

(runtime ? test : test.skip)('a float LogSoftmax gets the output range of TensorFlow Lite', async () => {
  if (!runtime) return;
  const bytes = writeModel({
    nodes: [
      node('QuantizeLinear', 'x s zero', 'q'),
      node('DequantizeLinear', 'q s zero', 'r'),
      node('LogSoftmax', 'r', 'y', { axis: -1 }),
    ],
    inputs: { x: [1, 4] },
    outputs: ['y'],
    tensors,
    opset: 13,
  });
  const graph = readOnnx(bytes);
  const quants = graph.nodes.map(({ output }) => graph.tensors[output]?.quant);
  assert.equal(quants, [
    { scale: 1 / 256, zeroPoint: -128 },
    { scale: 1 / 16, zeroPoint: 127 },
  ]);
  const x = randomInputs(graph, 5);
  const [wanted] = await oracle(runtime, bytes, graph, x);
  // only the file rounds the input
  assert.ok(relativeError(ownOutputs(graph, x)[0] as Float32Array, wanted as Float32Array) < 0.03);
});

test('if channels are repeated and requantised, every tensor is still produced before it is read', () => {
  const picked = writeModel({
    nodes: [
      node('QuantizeLinear', 'x s zero', 'q'),
      node('QLinearConv', 'q s zero k s none out zero', 'c'),
      node('DequantizeLinear', 'c out zero', 'd'),
      node('Gather', 'd same', 'g', { axis: 1 }),
      node('QuantizeLinear', 'g s zero', 'r'),
      node('QLinearConv', 'r s zero k s none out zero', 'e'),
      node('DequantizeLinear', 'e out zero', 'y'),
    ],
    inputs: { x: [1, 2, 8] },
    outputs: ['y'],
    tensors: { ...tensors, k: { dims: [2, 2, 1], int8: [10, -20, 30, 40] }, same: { dims: [2], ints: [0, 0] } },
    opset: 13,
  });
  const { nodes, inputs } = readOnnx(picked);
  const made = new Set(inputs.map(({ tensor }) => tensor));
  for (const { inputs: from, output, name } of nodes) {
    assert.ok(from.every((id) => made.has(id)), name); // biome-ignore format: one line
    made.add(output);
  }
  assert.ok(nodes.length > 4);
});

test('an output without a zero point or with channels last is refused', async () => {
  const refused = async (of: NodeOf, shape?: number[]) => (await refusalOf(() => readOnnx(file(of, {}, shape)))).message;
  assert.match(await refused(node('QLinearMatMul', 'q s zero w s none out', 'r')), /RN150.*QLinearMatMul.*no zero point/);
  const pool = node('QLinearAveragePool', 'q s zero out zero', 'r', { kernel_shape: [2], channels_last: 1 });
  assert.match(await refused(pool, [1, 3, 8]), /RN150.*QLinearAveragePool.*channels_last/);
});

test('a Pad of integers must add their zero point', async () => {
  const pads = { pads: { dims: [6], ints: [0, 0, 2, 0, 0, 0] }, k: { dims: [1, 3, 2], int8: [1, 2, 3, 4, 5, 6] } };
  const padded = (value: string): Uint8Array =>
    writeModel({
      nodes: [
        node('QuantizeLinear', 'x s zero', 'q'),
        node('Pad', `q pads ${value}`, 'p'),
        node('QLinearConv', 'p s zero k s none out zero', 'r'),
        node('DequantizeLinear', 'r out zero', 'y'),
      ],
      inputs: { x: [1, 3, 8] },
      outputs: ['y'],
      tensors: { ...tensors, ...pads },
      opset: 13,
    });
  const [conv] = readOnnx(padded('zero')).nodes;
  assert.ok(conv && 'padT' in conv.attrs);
  assert.equal(conv.attrs.padT, [2, 0]);
  assert.match((await refusalOf(() => readOnnx(padded('none')))).message, /RN150.*only zeros/);
});

test.run();
