/**
 * Front ends inside a network: transforms of raw samples, powers, mel matrices, logarithms, and statistics of a
 * whole window. Float against onnxruntime, streamed integers against the windowed model.
 */
import { test } from 'uvu';
import type { ModelOf, NodeOf, TensorOf } from '../../models/write/onnx/proto.ts';
import { testAgainstOracle } from './against-oracle.ts';
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

/** Hann, of which onnxruntime computes transforms of a length that is a power of two exactly. */
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
  'the largest value of a window limits its rows': behindConv([
    node('ReduceMax', 'a', 'm', { keepdims: 0 }),
    node('Sub', 'm eighty', 'low'),
    node('Max', 'a low', 'y'),
  ]),
  'both bounds of Clip computed': behindConv([
    node('ReduceMean', 'a', 'm', { keepdims: 0 }),
    node('Sub', 'm eighty', 'low'),
    node('Add', 'm eighty', 'high'),
    node('Clip', 'a low high', 'y'),
  ]),
  'the smaller of two': behindConv([node('Conv', 'x k2', 'b'), node('Min', 'a b', 'y')], { k2: floats(4, 3, 1) }),
  'standardised over rows and channels': behindConv([
    node('ReduceMean', 'a', 'm', { axes: [1, 2] }),
    node('Sub', 'a m', 'd'),
    node('Mul', 'd d', 'q'),
    node('ReduceMean', 'q', 'v', { axes: [1, 2] }),
    node('Sqrt', 'v', 'r'),
    node('Div', 'd r', 'y'),
  ]),
  'a sum of channels': behindConv([node('ReduceSum', 'a one', 'y')], { one: ints(1) }),
  'a sum of frames': behindConv([node('ReduceSum', 'a two', 'y')], { two: ints(2) }),
  'the mean of channels meets them': behindConv([node('ReduceMean', 'a', 'm', { axes: [1] }), node('Sub', 'a m', 'y')]),
  'STFT, power, mel bands, logarithm': model([1, 48], [node('STFT', 'x step window length', 's'), ...logMel], {
    ...frames,
    ...ofLog,
  }),
  'the same of samples mirrored at both ends': model(
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
  'STFT of all bins, its imaginary part': model(
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

test.run();
