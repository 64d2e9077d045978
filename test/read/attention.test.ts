/**
 * Attention, and the operators that exporters write with it: products of two activations, constants that
 * differ from row to row, heads as parts of the channels, repeated rows, dynamic quantisation.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { testAgainstOracle } from './against-oracle.ts';
import { ints, node, weightsOf } from './step-models.ts';

const floats = weightsOf(7);
const model = (x: number[], nodes: NodeOf[], tensors: Record<string, TensorOf> = {}): ModelOf => ({
  nodes,
  inputs: { x },
  outputs: ['y'],
  tensors,
  opset: 17,
});
const scalar = (value: number): TensorOf => ({ dims: [], floats: [value] });
/** Multiplies x [1, t, c] by a matrix. */
const linear = (x: string, w: string, y: string): NodeOf => node('MatMul', `${x} ${w}`, y);

/**
 * Attention of PyTorch: rows come first. One matrix gives queries, keys and values, and Gather takes each of
 * them from the leading dimension.
 */
function torchAttention(t: number, c: number, heads: number): ModelOf {
  const part = (which: string, i: string, perm: number[]): NodeOf[] => [
    node('Gather', `all ${i}`, `${which}1`, { axis: 0 }),
    node('Reshape', `${which}1 rows`, `${which}2`),
    node('Transpose', `${which}2`, which, { perm }),
  ];
  return model(
    [1, t, c],
    [
      node('Transpose', 'x', 'x1', { perm: [1, 0, 2] }),
      linear('x1', 'w', 'p'),
      node('Add', 'p b', 'p1'),
      node('Reshape', 'p1 parts', 'p2'),
      node('Unsqueeze', 'p2 first', 'p3'),
      node('Transpose', 'p3', 'p4', { perm: [3, 1, 2, 0, 4] }),
      node('Squeeze', 'p4 last', 'all'),
      ...part('q', 'i0', [1, 0, 2]),
      ...part('k', 'i1', [1, 2, 0]),
      ...part('v', 'i2', [1, 0, 2]),
      node('Mul', 'q root', 'qs'),
      node('MatMul', 'qs k', 's'),
      node('Softmax', 's', 'a', { axis: -1 }),
      node('MatMul', 'a v', 'o'),
      node('Transpose', 'o', 'o1', { perm: [1, 0, 2] }),
      node('Reshape', 'o1 back', 'o2'),
      linear('o2', 'wo', 'o3'),
      node('Add', 'o3 x', 'y'),
    ],
    {
      w: floats(c, 3 * c),
      b: floats(3 * c),
      wo: floats(c, c),
      parts: ints(t, 1, 3, c),
      first: ints(0),
      last: ints(3),
      rows: ints(t, heads, c / heads),
      back: ints(1, t, c),
      root: scalar(Math.sqrt(heads / c)),
      i0: { dims: [], ints: [0] },
      i1: { dims: [], ints: [1] },
      i2: { dims: [], ints: [2] },
    },
  );
}

/** Attention of Keras, as Einsum. The dimensions are batch, row, head, depth. */
const kerasAttention = model(
  [1, 6, 4],
  [
    ...['q', 'k', 'v'].flatMap((name) => [linear('x', `w${name}`, `${name}1`), node('Reshape', `${name}1 heads`, name)]),
    node('Einsum', 'k q', 's', { equation: 'aecd,abcd->acbe' }),
    node('Softmax', 's', 'a', { axis: -1 }),
    node('Einsum', 'a v', 'o', { equation: 'acbe,aecd->abcd' }),
    node('Reshape', 'o rows', 'o1'),
    linear('o1', 'wo', 'y'),
  ],
  { wq: floats(4, 6), wk: floats(4, 6), wv: floats(4, 6), wo: floats(6, 3), heads: ints(1, 6, 2, 3), rows: ints(1, 6, 6) },
);

const conv = node('Conv', 'x k', 'a', { pads: [1, 1] });
const convolved = (nodes: NodeOf[], tensors: Record<string, TensorOf> = {}): ModelOf =>
  model([1, 3, 6], [conv, ...nodes], { k: floats(4, 3, 3), ...tensors });
const resize = (attributes: NodeOf['attributes']): ModelOf =>
  convolved([node('Resize', 'a - s', 'r', attributes), node('Conv', 'r k2', 'y', { pads: [1, 1] })], {
    s: { dims: [3], floats: [1, 1, 2] },
    k2: floats(2, 4, 3),
  });
const bytes = (...dims: number[]): TensorOf => ({
  dims,
  int8: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 37 + 11) % 201) - 100),
});

/** Attention of Keras 3 after tf2onnx: the scores are [keys][queries]; global pools normalise them. */
function turnedAttention(t: number, c: number): ModelOf {
  const heads = (which: string, perm: number[]): NodeOf[] => [
    linear('n', `w${which}`, `${which}0`),
    node('Reshape', `${which}0 parts`, `${which}1`),
    node('Transpose', `${which}1`, which, { perm }),
  ];
  return model(
    [1, t, c],
    [
      linear('x', 'wx', 'p'),
      node('GlobalAveragePool', 'p', 'mean'),
      node('Neg', 'mean', 'minus'),
      node('Sub', 'p mean', 'd'),
      node('Mul', 'd d', 'd2'),
      node('GlobalAveragePool', 'd2', 'variance'),
      node('Add', 'variance tiny', 'r1'),
      node('Sqrt', 'r1', 'r2'),
      node('Reciprocal', 'r2', 'r3'),
      node('Mul', 'r3 gamma', 'by'),
      node('Mul', 'p by', 'x1'),
      node('Mul', 'minus by', 'm1'),
      node('Add', 'm1 beta', 'm2'),
      node('Add', 'x1 m2', 'n'),
      ...heads('q', [0, 2, 3, 1]),
      ...heads('k', [0, 2, 1, 3]),
      ...heads('v', [0, 2, 1, 3]),
      node('MatMul', 'k q', 's'),
      node('Softmax', 's', 'a', { axis: 2 }),
      node('Transpose', 'a', 'at', { perm: [0, 1, 3, 2] }),
      node('MatMul', 'at v', 'o'),
      node('Transpose', 'o', 'o1', { perm: [0, 2, 1, 3] }),
      node('Reshape', 'o1 back', 'o2'),
      node('Add', 'o2 p', 'y'),
    ],
    {
      ...{ wq: floats(c, c), wk: floats(c, c), wv: floats(c, c), gamma: floats(1, 1, c), beta: floats(1, 1, c) },
      ...{ wx: floats(c, c), tiny: scalar(0.001), parts: ints(1, t, 2, c / 2), back: ints(1, t, c) },
    },
  );
}

/** UpSampling2D of Keras 3 after tf2onnx: each row and each feature is repeated next to itself. */
const upSampled = model(
  [1, 3, 4, 5],
  [
    node('Conv', 'x k', 'a', { pads: [1, 1, 1, 1] }),
    node('Unsqueeze', 'a three', 'a1'),
    node('Tile', 'a1 counts', 'a2'),
    node('Transpose', 'a2', 'a3', { perm: [0, 2, 3, 4, 1] }),
    node('Reshape', 'a3 tall', 'b'),
    node('Unsqueeze', 'b three', 'b1'),
    node('Tile', 'b1 counts', 'b2'),
    node('Reshape', 'b2 wide', 'c'),
    node('Transpose', 'c', 'd', { perm: [0, 3, 1, 2] }),
    node('Conv', 'd k2', 'y', { pads: [1, 1, 1, 1] }),
  ],
  {
    ...{ k: floats(6, 3, 3, 3), k2: floats(2, 6, 3, 3), three: ints(3), counts: ints(1, 1, 1, 2, 1) },
    ...{ tall: ints(1, 8, 5, 6), wide: ints(1, 8, 10, 6) },
  },
);

const models: Record<string, ModelOf> = {
  'scores [keys][queries], softmax over the keys': turnedAttention(6, 4),
  'rows and features, each repeated next to itself': upSampled,
  'one head': torchAttention(5, 4, 1),
  'heads of PyTorch': torchAttention(6, 8, 4),
  'heads of Keras': kerasAttention,
  'rows multiplied by their own transpose': convolved([
    node('Transpose', 'a', 't', { perm: [0, 2, 1] }),
    node('MatMul', 't a', 'y'),
  ]),
  'a product whose second operand holds the attention weights': convolved([
    node('Transpose', 'a', 't', { perm: [0, 2, 1] }),
    node('MatMul', 't a', 's'),
    node('Transpose', 's', 'st', { perm: [0, 2, 1] }),
    node('MatMul', 'a st', 'y'),
  ]),
  'a positional encoding': convolved([node('Add', 'p a', 'b'), node('Conv', 'b k2', 'y', { pads: [1, 1] })], {
    p: floats(1, 4, 6),
    k2: floats(2, 4, 3),
  }),
  'a window function': convolved([node('Mul', 'a h', 'b'), node('Relu', 'b', 'y')], { h: floats(6) }),
  'a constant minus the signal, row by row': convolved([node('Sub', 'p a', 'y')], { p: floats(4, 6) }),
  'divided row by row': convolved([node('Div', 'a p', 'y')], { p: { dims: [6], floats: [1, 2, 4, 0.5, -1, 3] } }),
  'many rows of features': model([1, 2, 5, 10], [node('Conv', 'x k', 'a', { pads: [1, 1, 1, 1] }), node('Mul', 'a s', 'y')], {
    k: floats(2, 2, 3, 3),
    s: floats(1, 2, 1, 10),
  }),
  'Resize to the nearest row, with the coordinates of PyTorch': resize({
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  }),
  'Resize to the nearest row, with half-pixel coordinates': resize({ mode: 'nearest' }),
};
testAgainstOracle(models, ({ inputs }) => {
  const shape = Object.values(inputs ?? {})[0] ?? [];
  return { timeAxis: shape.length === 4 || shape[2] === 6 ? 2 : 1 };
});

const graphOf = (one: ModelOf) => readOnnx(writeModel(one), { timeAxis: 1 });

test('a dynamically quantised layer is read as the float layer with the same weights', () => {
  const dynamic = model(
    [1, 6, 4],
    [
      node('DynamicQuantizeLinear', 'x', 'xq xs xz'),
      node('Mul', 'xs ws', 'scale'),
      node('MatMulInteger', 'xq w xz z', 'sum'),
      { ...node('Cast', 'sum', 'real', { to: 1 }) },
      node('Mul', 'real scale', 'y'),
    ],
    { w: bytes(4, 3), ws: scalar(0.02), z: { dims: [], int8: [5] } },
  );
  const w = Array.from(bytes(4, 3).int8 as number[], (v) => Math.fround(0.02 * (v - 5)));
  const plain = model([1, 6, 4], [linear('x', 'w', 'y')], { w: { dims: [4, 3], floats: w } });
  const [found, wanted] = [dynamic, plain].map((one) => graphOf(one).nodes[0]);
  assert.ok(found?.op === 'conv' && wanted?.op === 'conv' && graphOf(dynamic).nodes.length === 1);
  assert.match(graphOf(dynamic).notes.join(), /onnxruntime also rounds the inputs of these layers/);
  assert.equal(
    Array.from(found.attrs.weights.data, (v) => v.toFixed(5)),
    Array.from(wanted.attrs.weights.data, (v) => v.toFixed(5)),
  );
});

test('DynamicQuantizeLSTM is read as the LSTM with the same weights, also with per-channel scales', () => {
  const [units, inputs, gates] = [3, 4, 12];
  const wScales = [0.02, 0.03];
  const rScales = Array.from({ length: 2 * gates }, (_, i) => 0.01 * (1 + (i % 5)));
  const [w, r] = [bytes(2, inputs, gates), bytes(2, units, gates)];
  const settings = { direction: 'bidirectional', hidden_size: units };
  const dynamic = model(
    [5, 1, inputs],
    [{ ...node('DynamicQuantizeLSTM', 'x w r b     ws z rs', 'y', settings), domain: 'com.microsoft' }],
    {
      ...{
        w,
        r,
        b: { dims: [2, 2 * gates], floats: bytes(2, 2 * gates).int8 as number[] },
        ws: { dims: [2], floats: wScales },
        z: { dims: [2], int8: [3, -2] },
      },
      rs: { dims: [2, gates], floats: rScales },
    },
  );
  const real = (part: TensorOf, rows: number, of: (v: number, d: number, gate: number) => number) => ({
    dims: [2, gates, rows],
    floats: Array.from({ length: 2 * gates * rows }, (_, i) => {
      const [d, gate, row] = [Math.floor(i / (gates * rows)), Math.floor(i / rows) % gates, i % rows];
      return Math.fround(of((part.int8 as ArrayLike<number>)[(d * rows + row) * gates + gate] as number, d, gate));
    }),
  });
  const plain = model([5, 1, inputs], [node('LSTM', 'x w r b', 'y', settings)], {
    b: dynamic.tensors?.b as never,
    w: real(w, inputs, (v, d) => (wScales[d] as number) * (v - ([3, -2][d] as number))),
    r: real(r, units, (v, d, gate) => (rScales[d * gates + gate] as number) * v),
  });
  const read = (one: ModelOf) => readOnnx(writeModel(one), { timeAxis: 0 });
  const rounded = (one: ModelOf) =>
    read(one).nodes.flatMap(({ attrs }) => {
      const own = 'recurrent' in attrs ? attrs.recurrent : 'weights' in attrs ? attrs.weights : undefined;
      return Array.from(own?.data ?? [], (v) => v.toFixed(5));
    });
  assert.match(read(dynamic).notes.join(), /onnxruntime also rounds the inputs of these layers/);
  assert.is(rounded(plain).length, 2 * gates * (inputs + units));
  assert.equal(rounded(dynamic), rounded(plain));
});

test('a product of any other form is refused, and the message names both operands', () => {
  const turned = convolved([node('Transpose', 'a', 't', { perm: [0, 2, 1] }), node('MatMul', 'a t', 'y')]);
  assert.throws(() => readOnnx(writeModel(turned)), /a product of .*c4.* and .*c4/);
});

test.run();
