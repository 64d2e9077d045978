/**
 * Operators that the reader replaces by others, against onnxruntime: sums, reductions by powers, poolings of
 * a norm, attention as one operator, and operators that onnxruntime's optimiser fuses.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';
import { ints, node, weightsOf } from './step-models.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

const floats = weightsOf(7);
const contrib = (...args: Parameters<typeof node>): NodeOf => ({ ...node(...args), domain: 'com.microsoft' });

interface Network {
  nodes: NodeOf[];
  tensors?: Record<string, TensorOf>;
  opset?: number;
}

/** Returns a model with three projections a, b, c of x [1, 10, 6] to 8 channels, and these nodes. */
const rows = (nodes: NodeOf[], tensors: Network['tensors'] = {}, opset = 17): Uint8Array =>
  writeModel({
    nodes: [node('MatMul', 'x wa', 'a'), node('MatMul', 'x wb', 'b'), node('MatMul', 'x wc', 'c'), ...nodes],
    inputs: { x: [1, 10, 6] },
    outputs: ['y'],
    tensors: { one: ints(1), wa: floats(6, 8), wb: floats(6, 8), wc: floats(6, 8), ...tensors },
    opset,
  });
/** Returns a model with 4 channels `a` of x [1, 2, 9, 5] (time and features), and these nodes. */
const plane = (nodes: NodeOf[], tensors: Network['tensors'] = {}): Uint8Array =>
  writeModel({
    nodes: [node('Conv', 'x k', 'a', { pads: [1, 0, 1, 0] }), ...nodes],
    inputs: { x: [1, 2, 9, 5] },
    outputs: ['y'],
    tensors: { k: floats(4, 2, 3, 1), ...tensors },
  });

/** Attention weights of the rows over time: one for each row, or one for each channel. */
const scores = (heads: number): [NodeOf[], Record<string, TensorOf>] => [
  [node('Tanh', 'a', 'ta'), node('MatMul', 'ta wv', 'v'), node('Softmax', 'v', 'p', { axis: 1 })],
  { wv: floats(8, heads) },
];
const pooled = (heads: number, nodes: NodeOf[]): Uint8Array => {
  const [before, tensors] = scores(heads);
  return rows([...before, ...nodes], tensors);
};

const one = { v: { dims: [8], floats: [0.5, -1, 0.2, 2, 1, -0.3, 0.7, 0.1] }, w: floats(8) };
const hidden = { w: floats(6, 24), bias: floats(24) };
const networks: Record<string, Uint8Array> = {
  'Sum of three': rows([node('Sum', 'a b c', 'y')]),
  'Sum of one': rows([node('Sum', 'a', 'd'), node('Relu', 'd', 'y')]),
  'Mean of three': rows([node('Mean', 'a b c', 'y')]),
  'a vector reshaped to [channels][rows]': rows(
    [
      node('Flatten', 'a', 'flat'),
      node('MatMul', 'flat w', 'v'),
      node('Reshape', 'v to', 'r'),
      node('ConvTranspose', 'r k', 'y', { strides: [2] }),
    ],
    { w: floats(80, 24), to: ints(1, 4, 6), k: floats(4, 3, 3) },
  ),
  'a vector reshaped to [channels][rows], added to rows': rows(
    [
      node('ReduceMean', 'a', 'm', { axes: [1], keepdims: 0 }),
      node('MatMul', 'm w', 'e'),
      node('Reshape', 'e turned', 'r'),
      node('Transpose', 'a', 't', { perm: [0, 2, 1] }),
      node('Add', 'r t', 'y'),
    ],
    { w: floats(8, 80), turned: ints(1, 8, 10) },
  ),
  'ReduceL1 over time': rows([node('ReduceL1', 'a', 'y', { axes: [1], keepdims: 0 })]),
  'ReduceMax over channels': plane([node('ReduceMax', 'a', 'm', { axes: [1] }), node('Mul', 'a m', 'y')]),
  'ReduceMax over channels and features': plane([node('ReduceMax', 'a', 'y', { axes: [1, 3] })]),
  'ReduceMax over channels and time': plane([node('ReduceMax', 'a', 'y', { axes: [1, 2], keepdims: 0 })]),
  'ReduceMean over channels and time': plane([node('ReduceMean', 'a', 'y', { axes: [1, 2], keepdims: 0 })]),
  'every second row, and every third feature from the second one on': plane([node('Slice', 'a from to axes steps', 'y')], {
    from: ints(1, 1),
    to: ints(9, 5),
    axes: ints(2, 3),
    steps: ints(2, 3),
  }),
  'ReduceL2 over channels': plane([node('ReduceL2', 'a', 'y', { axes: [3] })]),
  'ReduceSumSquare over time': rows([node('ReduceSumSquare', 'a', 'y', { axes: [1] })]),
  'ReduceSumSquare of opset 18': rows([node('ReduceSumSquare', 'a axes', 'y')], { axes: ints(1) }, 18),
  'ReduceLogSum over time': rows([node('Exp', 'a', 'd'), node('ReduceLogSum', 'd', 'y', { axes: [1] })]),
  'ReduceLogSumExp over time': rows([node('ReduceLogSumExp', 'a', 'y', { axes: [1] })]),
  'ReduceMin over time': rows([node('ReduceMin', 'a', 'y', { axes: [1] })]),
  'LpPool of order 2': plane([node('LpPool', 'a', 'y', { kernel_shape: [2, 2], strides: [2, 1] })]),
  'LpPool of order 1, padded': plane([node('LpPool', 'a', 'y', { kernel_shape: [3, 1], pads: [1, 0, 1, 0], p: 1 })]),
  'LpPool of order 3': plane([node('LpPool', 'a', 'y', { kernel_shape: [3, 1], p: 3 })]),
  'MeanVarianceNormalization of each channel': plane([node('MeanVarianceNormalization', 'a', 'y')]),
  'MeanVarianceNormalization of each frame': plane([node('MeanVarianceNormalization', 'a', 'y', { axes: [1, 3] })]),
  'LogSoftmax over channels': rows([node('LogSoftmax', 'a', 'y', { axis: -1 })]),
  'Expand of a mean over time': rows([
    node('ReduceMean', 'a', 'm', { axes: [1] }),
    node('Shape', 'a', 'shape'),
    node('Expand', 'm shape', 'e'),
    node('Concat', 'a e', 'y', { axis: 2 }),
  ]),
  'a shape computed by remainders': rows([node('Shape', 'a', 'l'), node('Mod', 'l seven', 'm'), node('Reshape', 'a m', 'y')], {
    seven: ints(7, 11, 9),
  }),
  'Tile of a maximum': rows(
    [node('ReduceMax', 'a', 'm', { axes: [1] }), node('Tile', 'm counts', 'e'), node('Concat', 'e a', 'y', { axis: 2 })],
    { counts: ints(1, 10, 1) },
  ),
  'a sum of rows weighted by a softmax over time': pooled(1, [
    node('Mul', 'p b', 'm'),
    node('ReduceSum', 'm one', 'y', { keepdims: 0 }),
  ]),
  'attentive statistics: sums of rows and of their squares, with weights per channel': pooled(8, [
    node('Mul', 'b p', 'm'),
    node('ReduceSum', 'm one', 'mean'),
    node('Mul', 'b b', 'bb'),
    node('Mul', 'bb p', 'n'),
    node('ReduceSum', 'n one', 'square'),
    node('Concat', 'mean square', 'y', { axis: 2 }),
  ]),
  'bins of a spectrogram as rows: attention between them, and a weighted mean': plane(
    [
      node('Transpose', 'a', 'b', { perm: [0, 2, 3, 1] }),
      node('Reshape', 'b places', 'r'),
      node('Transpose', 'r', 'turned', { perm: [0, 2, 1] }),
      node('MatMul', 'r turned', 's'),
      node('Softmax', 's', 'p', { axis: -1 }),
      node('MatMul', 'p r', 'm'),
      node('Add', 'm r', 'e'),
      node('MatMul', 'e w', 'v'),
      node('Softmax', 'v', 'q', { axis: 1 }),
      node('Mul', 'e q', 'n'),
      node('ReduceSum', 'n one', 'y', { keepdims: 0 }),
    ],
    { places: ints(1, 45, 4), w: floats(4, 1), one: ints(1) },
  ),
  'bins of a square spectrogram as rows, concatenated': writeModel({
    nodes: [
      node('Conv', 'x k', 'a'),
      node('Transpose', 'a', 'b', { perm: [0, 2, 3, 1] }),
      node('Reshape', 'b places', 'r'),
      node('Concat', 'r r', 'y', { axis: 1 }),
    ],
    inputs: { x: [1, 2, 4, 4] },
    outputs: ['y'],
    tensors: { k: floats(3, 2, 1, 1), places: ints(1, 16, 3) },
  }),
  'a vector reshaped to [rows][channels], added to rows': rows(
    [
      node('ReduceMean', 'a', 'm', { axes: [1], keepdims: 0 }),
      node('MatMul', 'm w', 'e'),
      node('Reshape', 'e frames', 'r'),
      node('Add', 'r a', 'y'),
    ],
    { w: floats(8, 80), frames: ints(1, 10, 8) },
  ),
  'bins of a spectrogram as rows, features first': plane(
    [
      node('Transpose', 'a', 'b', { perm: [0, 3, 2, 1] }),
      node('Reshape', 'b places', 'r'),
      node('Softmax', 'r', 'p', { axis: 1 }),
      node('Gather', 'p seven', 'y', { axis: 1 }),
    ],
    { places: ints(1, 45, 4), seven: ints(7) },
  ),
  'rows times weights over time, read by another operator than a sum': pooled(1, [
    node('Mul', 'p b', 'm'),
    node('Relu', 'm', 'y'),
  ]),
  'rows times weights over time, added to the rows': pooled(1, [node('Mul', 'b p', 'm'), node('Add', 'b m', 'y')]),
  'a layer along time, with the last frame added to each of its rows': rows(
    [
      node('Gather', 'a last', 'l', { axis: 1 }),
      node('Sub', 'a l', 'd'),
      node('Transpose', 'd', 'dt', { perm: [0, 2, 1] }),
      node('MatMul', 'dt m', 'e'),
      node('Transpose', 'e', 'et', { perm: [0, 2, 1] }),
      node('Add', 'et l', 'y'),
    ],
    { last: { dims: [1], ints: [9] }, m: floats(10, 4) },
  ),
  'the spectrum of samples mirrored at both ends, as torch.stft writes it': writeModel({
    nodes: [
      node('Reshape', 'x long', 'l'),
      node('Pad', 'l pads', 'p', { mode: 'reflect' }),
      node('Reshape', 'p flat', 'f'),
      node('Unsqueeze', 'f last', 's'),
      node('STFT', 's step w8', 'z'),
      node('Transpose', 'z', 'y', { perm: [0, 2, 1, 3] }),
    ],
    inputs: { x: [1, 24] },
    outputs: ['y'],
    tensors: {
      long: ints(1, 1, 24),
      pads: ints(0, 0, 4, 0, 0, 4),
      flat: ints(1, 32),
      last: ints(-1),
      step: { dims: [], ints: [4] },
      w8: floats(8),
    },
  }),
  'flattened weights per channel times flattened rows': pooled(8, [
    node('Transpose', 'p', 't', { perm: [0, 2, 1] }),
    node('Flatten', 't', 'u'),
    node('Flatten', 'b', 'v2'),
    node('Mul', 'u v2', 'y'),
  ]),
  'overlapping frames of a channels-first signal': rows(
    [
      node('Transpose', 'a', 'at', { perm: [0, 2, 1] }),
      node('Gather', 'at frames', 'g', { axis: 2 }),
      node('Transpose', 'g', 'gt', { perm: [0, 2, 1, 3] }),
      node('Reshape', 'gt flat', 'y'),
    ],
    { frames: { dims: [4, 3], ints: [0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8] }, flat: ints(1, 4, 24) },
  ),
  'a recurrence over the channels': rows(
    [
      node('Transpose', 'a', 'at', { perm: [2, 0, 1] }),
      node('LSTM', 'at lw lr', 'h', { hidden_size: 3 }),
      node('Transpose', 'h', 'ht', { perm: [1, 2, 0, 3] }),
      node('Flatten', 'ht', 'y'),
    ],
    { lw: floats(1, 12, 10), lr: floats(1, 12, 3) },
  ),
  'a recurrence with one step, the whole window': writeModel({
    nodes: [node('GRU', 'x gw gr', ' y', { hidden_size: 4 })],
    inputs: { x: [1, 1, 9] },
    outputs: ['y'],
    tensors: { gw: floats(1, 12, 9), gr: floats(1, 12, 4) },
  }),
  'rows times weights per channel over time, without a sum': pooled(8, [node('Mul', 'b p', 'm'), node('Identity', 'm', 'y')]),
  'rows times weights over time as an output': pooled(8, [node('Mul', 'b p', 'y')]),
  'rows times weights over time, summed over all axes': pooled(1, [node('Mul', 'p b', 'm'), node('ReduceSum', 'm', 'y')]),
  'weights over time, applied by a matrix product': pooled(1, [
    node('Transpose', 'p', 'turned', { perm: [0, 2, 1] }),
    node('MatMul', 'turned b', 'y'),
  ]),
  'weights over time as an output': pooled(8, [node('Identity', 'p', 'y')]),
  ...Object.fromEntries(
    (
      [
        ['half_pixel', 2, 3],
        ['pytorch_half_pixel', 3, 1],
        ['asymmetric', 4, 2],
      ] as const
    ).map(([places, t, f]) => [
      `rows interpolated with ${places}`,
      plane([node('Resize', 'a - s', 'y', { mode: 'linear', coordinate_transformation_mode: places })], {
        s: { dims: [4], floats: [1, 1, t, f] },
      }),
    ]),
  ),
  BiasGelu: rows([contrib('BiasGelu', 'a v', 'y')], one),
  FastGelu: rows([contrib('FastGelu', 'a v', 'd'), contrib('FastGelu', 'd', 'y')], one),
  'Gelu and QuickGelu': rows([contrib('Gelu', 'a', 'd'), contrib('QuickGelu', 'd', 'y', { alpha: { float: 1.5 } })]),
  'FusedMatMul by a constant': rows([contrib('FusedMatMul', 'a m', 'y', { transB: 1, alpha: { float: 0.3 } })], {
    m: floats(5, 8),
  }),
  'FusedMatMul of activations': rows([contrib('FusedMatMul', 'a b', 'y', { transB: 1, alpha: { float: 0.3 } })]),
  'FusedMatMul with the batch dimensions after the rows': rows(
    [
      ...['a', 'b', 'c'].map((v) => node('Reshape', `${v} heads`, `${v}h`)),
      contrib('FusedMatMul', 'ah bh', 's', { transBatchA: 1, transBatchB: 1, transB: 1, alpha: { float: 0.5 } }),
      node('Softmax', 's', 'p', { axis: -1 }),
      contrib('FusedMatMul', 'p ch', 'd', { transBatchB: 1 }),
      node('Transpose', 'd', 'e', { perm: [1, 0, 2] }),
      node('Reshape', 'e flat', 'y'),
    ],
    { heads: ints(10, 2, 4), flat: ints(1, 10, 8) },
  ),
  'SkipLayerNormalization with its sum as another output': rows(
    [
      { ...contrib('SkipLayerNormalization', 'a b v w v', 'd', { epsilon: { float: 1e-5 } }), outputs: ['d', '', '', 's'] },
      contrib('SkipSimplifiedLayerNormalization', 'd s w', 'y', { epsilon: { float: 1e-5 } }),
    ],
    one,
  ),
  'com.microsoft.Attention': rows([contrib('Attention', 'x w bias', 'y', { num_heads: 2 })], hidden),
  'MultiHeadAttention with a bias': rows([contrib('MultiHeadAttention', 'a b c bias', 'y', { num_heads: 4 })], hidden),
  'MultiHeadAttention with a scale': rows([contrib('MultiHeadAttention', 'a b c', 'y', { num_heads: 2, scale: { float: 0.3 } })]),
  'Attention of three dimensions': rows([node('Attention', 'a b c', 'y', { q_num_heads: 2, kv_num_heads: 2 })], {}, 23),
  'Attention of four dimensions': rows(
    [
      ...['a', 'b', 'c'].flatMap((v) => [
        node('Reshape', `${v} heads`, `${v}h`),
        node('Transpose', `${v}h`, `${v}t`, { perm: [0, 2, 1, 3] }),
      ]),
      node('Attention', 'at bt ct', 'd'),
      node('Transpose', 'd', 'e', { perm: [0, 2, 1, 3] }),
      node('Reshape', 'e flat', 'y'),
    ],
    { heads: ints(1, 10, 2, 4), flat: ints(1, 10, 8) },
    23,
  ),
};

for (const [name, bytes] of Object.entries(networks))
  (runtime ? test : test.skip)(name, async () => {
    const graph = readOnnx(bytes);
    const inputs = randomInputs(graph, 5);
    const wanted = await oracle(runtime as NonNullable<typeof runtime>, bytes, graph, inputs);
    for (const [i, own] of ownOutputs(graph, inputs).entries()) assert.ok(relativeError(own, wanted[i] as Float32Array) < 2e-5);
  });

test('operands with another order of elements are refused', async () => {
  const refused = async (nodes: NodeOf[], tensors: Network['tensors']) =>
    (await refusalOf(() => readOnnx(rows(nodes, tensors)))).message;
  const split = [node('Reshape', 'a turned', 'r'), node('Transpose', 'a', 't', { perm: [0, 2, 1] }), node('Add', 'r t', 'y')];
  assert.match(await refused(split, { turned: ints(1, 8, 10) }), /RN150.*Reshape.*axis t of length 10 would be split/);
});

test('unsupported options of these operators are refused', async () => {
  const refused = async (nodes: NodeOf[], tensors?: Network['tensors']) =>
    (await refusalOf(() => readOnnx(rows(nodes, tensors, 23)))).message;
  const attention = { q_num_heads: 2, kv_num_heads: 2 };
  assert.match(await refused([node('Attention', 'a b c', 'y', { ...attention, is_causal: 1 })]), /RN150.*is_causal/);
  assert.match(await refused([node('Attention', 'a b c m', 'y', attention)], { m: floats(10, 10) }), /RN150.*a mask/);
  assert.match(await refused([node('Attention', 'a b c', 'y', { ...attention, kv_num_heads: 1 })]), /RN150.*share one/);
  assert.match(
    await refused([node('Tile', 'a counts', 'y')], { counts: ints(1, 2, 1) }),
    /RN150.*repeats dimension 1 of length 10/,
  );
  assert.match(await refused([contrib('SkipLayerNormalization', 'a b v', 'y', { other: 1 })], one), /RN150.*attribute other/);
});

test.run();
