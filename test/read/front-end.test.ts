/**
 * Front ends inside a network: transforms of raw samples, powers, mel matrices, logarithms, and statistics of
 * a whole window. The float graph is checked against onnxruntime, the streamed integers against the windowed
 * model.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { testAgainstOracle } from './against-oracle.ts';
import { ownOutputs, randomInputs } from './onnx-oracle.ts';
import { ints, node, weightsOf } from './step-models.ts';

const floats = weightsOf(11);
const scalar = (value: number): TensorOf => ({ dims: [], floats: [value] });
const conv = node('Conv', 'x k', 'a', { pads: [1, 1] });
const model = (x: number[], nodes: NodeOf[], tensors: Record<string, TensorOf>): ModelOf => ({
  nodes,
  inputs: { x },
  outputs: ['y'],
  tensors: { k: floats(4, 3, 3), eighty: scalar(0.8), ...tensors },
  opset: 17,
});
const behindConv = (nodes: NodeOf[], tensors: Record<string, TensorOf> = {}) => model([1, 3, 8], [conv, ...nodes], tensors);

/** A Hann window. onnxruntime computes only transforms whose length is a power of two exactly. */
const hann = (length: number): TensorOf => ({
  dims: [length],
  floats: Array.from({ length }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length)),
});
const frames = { step: { dims: [], ints: [4] }, length: { dims: [], ints: [16] }, window: hann(16) };
const mel = { dims: [9, 5], floats: floats(9, 5).floats?.map(Math.abs) ?? [] };
const logMel = [
  node('Pow', 's two', 'p'),
  node('ReduceSum', 'p last', 'power', { keepdims: 0 }),
  node('MatMul', 'power mel', 'm'),
  node('Add', 'm tiny', 'n'),
  node('Log', 'n', 'y'),
];
const ofLog = { two: scalar(2), last: ints(-1), mel, tiny: scalar(0.1) };

testAgainstOracle({
  'the largest value of a window sets a lower limit for its rows': behindConv([
    node('ReduceMax', 'a', 'm', { keepdims: 0 }),
    node('Sub', 'm eighty', 'low'),
    node('Max', 'a low', 'y'),
  ]),
  'Clip with two computed bounds': behindConv([
    node('ReduceMean', 'a', 'm', { keepdims: 0 }),
    node('Sub', 'm eighty', 'low'),
    node('Add', 'm eighty', 'high'),
    node('Clip', 'a low high', 'y'),
  ]),
  'the smaller of two activations': behindConv([node('Conv', 'x k2', 'b'), node('Min', 'a b', 'y')], { k2: floats(4, 3, 1) }),
  'standardised over rows and channels': behindConv([
    node('ReduceMean', 'a', 'm', { axes: [1, 2] }),
    node('Sub', 'a m', 'd'),
    node('Mul', 'd d', 'q'),
    node('ReduceMean', 'q', 'v', { axes: [1, 2] }),
    node('Sqrt', 'v', 'r'),
    node('Div', 'd r', 'y'),
  ]),
  'instance normalisation': behindConv([node('InstanceNormalization', 'a s b', 'y')], { s: floats(4), b: floats(4) }),
  'group normalisation, one group': {
    ...behindConv([node('GroupNormalization', 'a s b', 'y', { num_groups: 1 })], { s: floats(4), b: floats(4) }),
    opset: 21,
  },
  'a sum of channels': behindConv([node('ReduceSum', 'a one', 'y')], { one: ints(1) }),
  'a sum of frames': behindConv([node('ReduceSum', 'a two', 'y')], { two: ints(2) }),
  'the channels minus their mean': behindConv([node('ReduceMean', 'a', 'm', { axes: [1] }), node('Sub', 'a m', 'y')]),
  'differences of frames between zeros, with the first frame unchanged': behindConv(
    [
      node('Slice', 'a zero one two', 'first'),
      node('Slice', 'a zero end two', 'earlier'),
      node('Slice', 'a one far two', 'later'),
      node('Mul', 'earlier eighty', 'm'),
      node('Sub', 'later m', 'd'),
      node('Concat', 'none first d none', 'j', { axis: -1 }),
      node('Conv', 'j k2', 'y'),
    ],
    {
      zero: ints(0),
      one: ints(1),
      two: ints(2),
      end: ints(-1),
      far: ints(99),
      k2: floats(2, 4, 3),
      none: { dims: [1, 4, 2], floats: new Array(8).fill(0) },
    },
  ),
  'a matrix to the left of the frames': behindConv([node('MatMul', 'w a', 'y')], { w: floats(1, 5, 4) }),
  'STFT, power, mel bands, logarithm': model([1, 48], [node('STFT', 'x step window length', 's'), ...logMel], {
    ...frames,
    ...ofLog,
  }),
  'STFT, power, mel bands, logarithm, of samples mirrored at both ends': model(
    [1, 48],
    [
      node('Unsqueeze', 'x one', 'u'),
      node('Pad', 'u pads', 'v', { mode: 'reflect' }),
      node('Squeeze', 'v one', 'w'),
      node('STFT', 'w step window', 's'),
      ...logMel,
    ],
    { ...frames, ...ofLog, one: ints(1), pads: ints(0, 0, 8, 0, 0, 8) },
  ),
  'frames of blocks, a complex matrix to their left, mel bands as an image': model(
    [1, 24],
    [
      node('Gather', 'x none', 'own', { axis: 0 }),
      node('Squeeze', 'own none', 'signal'),
      node('Slice', 'signal none far none', 'cut'),
      node('Reshape', 'cut blocks', 'b'),
      node('Gather', 'b at', 'g', { axis: 0 }),
      node('Reshape', 'g rows', 'f'),
      node('Transpose', 'f', 'ft', { perm: [1, 0] }),
      node('MatMul', 'complex ft', 'z'),
      node('Transpose', 'z', 'zt', { perm: [0, 2, 1] }),
      node('Gather', 'zt none', 're', { axis: 0 }),
      node('Gather', 'zt one', 'im', { axis: 0 }),
      node('Pow', 're two', 're2'),
      node('Pow', 'im two', 'im2'),
      node('Add', 're2 im2', 'sum'),
      node('Sqrt', 'sum', 'magnitude'),
      node('MatMul', 'magnitude bands', 'm'),
      node('Unsqueeze', 'm one', 'plane'),
      node('MaxPool', 'plane', 'pooled', { kernel_shape: [1, 2] }),
      node('Conv', 'plane k2', 'c', { pads: [0, 1, 0, 1] }),
      node('Conv', 'pooled k2', 'd'),
      node('ReduceMean', 'c', 'left', { axes: [3] }),
      node('ReduceMean', 'd', 'right', { axes: [3] }),
      node('Sub', 'left right', 'y'),
    ],
    {
      ...{ none: ints(0), far: ints(99), one: ints(1), two: scalar(2), blocks: ints(12, 2), rows: ints(5, 6) },
      at: { dims: [5, 3], ints: [0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10] },
      ...{ complex: floats(2, 4, 6), bands: floats(4, 5), k2: floats(3, 1, 2, 3) },
    },
  ),
  'the imaginary part of an STFT with all bins': model(
    [1, 40, 1],
    [node('STFT', 'x step - length', 's', { onesided: 0 }), node('Gather', 's at', 'y', { axis: 3 })],
    { ...frames, at: { dims: [], ints: [1] } },
  ),
  'DFT of the channels of each frame': model(
    [1, 3, 6],
    [
      node('Conv', 'x k8', 'a'),
      node('Transpose', 'a', 't', { perm: [0, 2, 1] }),
      node('Unsqueeze', 't three', 'u'),
      node('DFT', 'u', 's', { axis: 2, onesided: 1 }),
      node('Mul', 's s', 'q'),
      node('ReduceSum', 'q three', 'y', { keepdims: 0 }),
    ],
    { k8: floats(8, 3, 1), three: ints(3) },
  ),
});

test('FusedConv becomes a convolution, a sum and an activation', () => {
  const tensors = { k2: floats(4, 4, 1) };
  const fused = {
    ...node('FusedConv', 'a k2 - a', 'y', { activation: 'Relu' }),
    domain: 'com.microsoft',
  };
  const plain = [node('Conv', 'a k2', 'b'), node('Add', 'b a', 'c'), node('Relu', 'c', 'y')];
  const model = behindConv([], tensors);
  const [one, other] = [[fused], plain].map((nodes) => readOnnx(writeModel({ ...model, nodes: [conv, ...nodes] })));
  if (!one || !other) throw new Error('no graph');
  const inputs = randomInputs(one, 3);
  assert.equal(ownOutputs(one, inputs), ownOutputs(other, inputs));
});

test.run();
