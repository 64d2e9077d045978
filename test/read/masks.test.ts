/**
 * Attention with constant masks, as PyTorch's exporters write them, and other patterns of the same files: a
 * class token before the rows, groups of channels normalised over time, and the last states of a
 * bidirectional layer.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { quantize } from '../../quant/quantize.ts';
import { testAgainstOracle } from './against-oracle.ts';
import { seededNormal } from './onnx-oracle.ts';
import { ints, node, weightsOf } from './step-models.ts';

const floats = weightsOf(3);
const [t, c] = [8, 6];
const model = (nodes: NodeOf[], tensors: Record<string, TensorOf>, x = [1, t, c]): ModelOf => ({
  nodes,
  inputs: { x },
  outputs: ['y'],
  tensors,
  opset: 17,
});

/** Returns a model with one attention head. @param masked nodes that compute `m` from the scores `s`. */
const attention = (masked: NodeOf[], tensors: Record<string, TensorOf>): ModelOf =>
  model(
    [
      ...['q', 'k', 'v'].map((one) => node('MatMul', `x w${one}`, one)),
      node('Transpose', 'k', 'kt', { perm: [0, 2, 1] }),
      node('MatMul', 'q kt', 's'),
      ...masked,
      node('Softmax', 'm', 'a', { axis: -1 }),
      node('MatMul', 'a v', 'y'),
    ],
    { wq: floats(c, c), wk: floats(c, c), wv: floats(c, c), ...tensors },
  );
const causal = (below: number): TensorOf => ({
  dims: [1, t, t],
  floats: Array.from({ length: t * t }, (_, i) => (i % t > Math.floor(i / t) ? below : 0)),
});
const lowest = -3.4028234663852886e38;
const scalar = (value: number): TensorOf => ({ dims: [], floats: [value] });
const filled = (value: number): NodeOf[] => [
  node('Equal', 'kept zero', 'gone'),
  node('Where', 'gone fill s', value < 0 ? 'm' : 'm0'),
];
const kept: TensorOf = { dims: [1, t, t], floats: Array.from({ length: t * t }, (_, i) => Number(i % t <= Math.floor(i / t))) };

const models = {
  'a causal mask of infinities': attention([node('Add', 's mask', 'm')], { mask: causal(Number.NEGATIVE_INFINITY) }),
  'a causal mask of the lowest numbers': attention([node('Add', 's mask', 'm')], { mask: causal(lowest) }),
  'a mask that excludes keys': attention([node('Add', 's mask', 'm')], {
    mask: { dims: [1, 1, t], floats: Array.from({ length: t }, (_, i) => (i > 5 ? lowest : 0)) },
  }),
  'scores replaced by minus infinity where a constant selects them': attention(filled(-1), {
    kept,
    zero: scalar(0),
    fill: scalar(Number.NEGATIVE_INFINITY),
  }),
  'scores replaced by a finite number': attention([...filled(1), node('Identity', 'm0', 'm')], {
    kept,
    zero: scalar(0),
    fill: scalar(0.5),
  }),
  'a class token before the rows': model([node('Concat', 'token x', 'xs', { axis: 1 }), node('MatMul', 'xs w', 'y')], {
    token: floats(1, 1, c),
    w: floats(c, 3),
  }),
  'overlapping frames taken by a Gather': model(
    [node('Conv', 'x one', 'a', { kernel_shape: [1] }), node('Gather', 'a places', 'p', { axis: 2 }), node('MatMul', 'p w', 'y')],
    {
      one: floats(1, 1, 1),
      places: { dims: [4, 5], ints: Array.from({ length: 20 }, (_, i) => 1 + Math.floor(i / 5) * 3 + (i % 5)) },
      w: floats(5, 3),
    },
    [1, 1, 16],
  ),
  'groups of channels normalised over time': model(
    [
      node('Conv', 'x w', 'xt', { kernel_shape: [3] }),
      node('Reshape', 'xt parts', 'xp'),
      node('InstanceNormalization', 'xp one zero', 'xn', { epsilon: { float: 1e-5 } }),
      node('Reshape', 'xn whole', 'xw'),
      node('Mul', 'xw gamma', 'xg'),
      node('Add', 'xg beta', 'y'),
    ],
    {
      parts: ints(1, 3, -1),
      whole: ints(1, c, t - 2),
      w: floats(c, c, 3),
      one: { dims: [3], floats: [1, 2, 0.5] },
      zero: { dims: [3], floats: [0, 0.1, -0.2] },
      gamma: floats(c, 1),
      beta: floats(c, 1),
    },
    [1, c, t],
  ),
  'last states of two layers in both directions': model(
    [
      node('Transpose', 'x', 'xt', { perm: [1, 0, 2] }),
      node('GRU', 'xt W1 R1', 'y1 h1', { hidden_size: 4, direction: 'bidirectional', linear_before_reset: 1 }),
      node('Transpose', 'y1', 'y1t', { perm: [0, 2, 1, 3] }),
      node('Reshape', 'y1t rows', 'y1r'),
      node('GRU', 'y1r W2 R2', 'y2 h2', { hidden_size: 4, direction: 'bidirectional', linear_before_reset: 1 }),
      node('Concat', 'h1 h2', 'h', { axis: 0 }),
      node('Gather', 'h second', 'a', { axis: 0 }),
      node('Gather', 'h last', 'b', { axis: 0 }),
      node('Concat', 'a b', 'y', { axis: 1 }),
    ],
    {
      W1: floats(2, 12, c),
      R1: floats(2, 12, 4),
      W2: floats(2, 12, 8),
      R2: floats(2, 12, 4),
      rows: ints(t, 1, 8),
      second: { dims: [], ints: [1] },
      last: { dims: [], ints: [-1] },
    },
  ),
};
testAgainstOracle(models);

test('a mask does not reduce the resolution of the int8 scores', () => {
  const draw = seededNormal(2);
  const signal = Float32Array.from({ length: 40 * t * c }, draw);
  const loss = (one: ModelOf): number => {
    const { report } = quantize(readOnnx(writeModel(one)), [signal], { hop: t, mode: 'windowed' });
    return report.at(-1)?.sqnrDb ?? 0;
  };
  const plain = loss(attention([node('Identity', 's', 'm')], {}));
  const masked = loss(models['a causal mask of infinities']);
  assert.ok(masked > plain - 12, `${masked} dB with a mask, ${plain} dB without`);
});

test('a mask that excludes every key of a row is refused', () => {
  const mask = { dims: [1, t, t], floats: new Float32Array(t * t).fill(lowest) };
  assert.throws(
    () => readOnnx(writeModel(attention([node('Add', 's mask', 'm')], { mask }))),
    /its mask leaves nothing of a row/,
  );
});

test.run();
