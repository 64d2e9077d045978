/**
 * ONNX files that order a value's elements along other dimensions than the normal form, against onnxruntime.
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

const floats = weightsOf(11);

/** Returns a model whose input x has the shape `dims`. */
const model = (dims: number[], nodes: NodeOf[], tensors: Record<string, TensorOf> = {}): Uint8Array =>
  writeModel({ nodes, inputs: { x: dims }, outputs: ['y'], tensors });

/** Networks, each with the time dimension if the reader needs to be told. */
const networks: Record<string, [Uint8Array, number?]> = {
  'Gemm with a computed C': [
    model([1, 9], [node('Gemm', 'x w', 'a'), node('Gemm', 'x v a', 'y', { alpha: { float: 0.5 }, beta: { float: -2 } })], {
      w: floats(9, 4),
      v: floats(9, 4),
    }),
  ],
  'a window of one value per frame, minus a dense layer of the whole window': [
    model(
      [1, 12, 1],
      [
        node('Squeeze', 'x last', 's'),
        node('MatMul', 's w', 'a'),
        node('Sub', 's a', 'b'),
        node('MatMul', 'b w', 'c'),
        node('Sub', 'b c', 'y'),
      ],
      { last: ints(2), w: floats(12, 12) },
    ),
    1,
  ],
  'a flattened window minus a dense layer of it': [
    model(
      [1, 6, 6],
      [
        node('Transpose', 'x', 't', { perm: [0, 2, 1] }),
        node('Flatten', 't', 's'),
        node('MatMul', 's w', 'a'),
        node('Sub', 's a', 'y'),
      ],
      { w: floats(36, 36) },
    ),
    1,
  ],
  'a convolution whose channels are frames, added to its input': [
    model(
      [1, 6, 6],
      [
        node('MatMul', 'x w', 'a'),
        node('Conv', 'a k', 'b', { kernel_shape: [3], pads: [1, 1] }),
        node('Add', 'a b', 'c'),
        node('Conv', 'c one', 'd', { kernel_shape: [1] }),
        node('Mul', 'a d', 'y'),
      ],
      { w: floats(6, 6), k: floats(6, 6, 3), one: floats(6, 6, 1) },
    ),
    1,
  ],
  'a layer along time of features, one channel normalised': [
    model(
      [1, 7, 7],
      [
        node('Unsqueeze', 'x first', 'u'),
        node('BatchNormalization', 'u s b m v', 'n'),
        node('Squeeze', 'n first', 'q'),
        node('Transpose', 'q', 't', { perm: [0, 2, 1] }),
        node('MatMul', 't w', 'e'),
        node('Transpose', 'e', 'r', { perm: [0, 2, 1] }),
        node('Add', 'x r', 'a'),
        node('Unsqueeze', 'a first', 'u2'),
        node('BatchNormalization', 'u2 s b m v', 'y'),
      ],
      { first: ints(1), w: floats(7, 7), s: floats(1), b: floats(1), m: floats(1), v: { dims: [1], floats: [0.7] } },
    ),
    1,
  ],
  'a pool over the values of each frame, with frames as channels': [
    model(
      [1, 3, 8],
      [
        node('Conv', 'x k', 'a', { kernel_shape: [3], pads: [1, 1] }),
        node('Transpose', 'a', 't', { perm: [0, 2, 1] }),
        node('AveragePool', 't', 'p', { kernel_shape: [2], strides: [2] }),
        node('Transpose', 'p', 'q', { perm: [0, 2, 1] }),
        node('Conv', 'q g', 'y', { kernel_shape: [3], group: 4 }),
      ],
      { k: floats(8, 3, 3), g: floats(4, 1, 3) },
    ),
  ],
  'two channel shuffles with as many groups as channels per group': [
    model(
      [1, 3, 9],
      [
        node('Conv', 'x k', 'a', { kernel_shape: [3] }),
        ...[1, 2].flatMap((i) => {
          const [from, to] = [i === 1 ? 'a' : 'b1', i === 1 ? 'b1' : 'b2'];
          return [
            node('Reshape', `${from} groups`, `r${i}`),
            node('Transpose', `r${i}`, `t${i}`, { perm: [0, 2, 1, 3] }),
            node('Reshape', `t${i} flat`, `s${i}`),
            node('Split', `s${i} halves`, `l${i} h${i}`, { axis: 1 }),
            node('Conv', `h${i} g`, `c${i}`, { kernel_shape: [1], group: 2 }),
            node('Concat', `l${i} c${i}`, to, { axis: 1 }),
          ];
        }),
        node('Reshape', 'b2 groups', 'r3'),
        node('Transpose', 'r3', 't3', { perm: [0, 2, 1, 3] }),
        node('Reshape', 't3 flat', 'y'),
      ],
      { k: floats(16, 3, 3), groups: ints(1, 4, 4, 7), flat: ints(1, 16, 7), halves: ints(8, 8), g: floats(8, 4, 1) },
    ),
  ],
  'softmax over the only channel, in the last dimension': [
    model(
      [1, 3, 9],
      [
        node('Conv', 'x k', 'a', { kernel_shape: [3] }),
        node('Transpose', 'a', 't', { perm: [0, 2, 1] }),
        node('Softmax', 't', 'y', { axis: -1 }),
      ],
      { k: floats(1, 3, 3) },
    ),
  ],
  'softmax over time of features and channels': [model([1, 4, 4, 4], [node('Softmax', 'x', 'y', { axis: 2 })]), 2],
  'each channel as a batch element, and one layer per channel': [
    model(
      [1, 4, 9],
      [
        node('Reshape', 'x batch', 'r'),
        node('Conv', 'r k', 'a', { kernel_shape: [3], pads: [1, 1] }),
        node('Reshape', 'a folded', 'f'),
        node('Conv', 'f d', 'g', { kernel_shape: [3], group: 16 }),
        node('Reshape', 'g apart', 'h'),
        node('BatchNormalization', 'h s s s v', 'b'),
        node('Reshape', 'b rows', 'i'),
        node('MatMul', 'i w', 'e'),
        node('Transpose', 'e', 'y', { perm: [0, 2, 1] }),
      ],
      {
        batch: ints(4, 1, 9),
        k: floats(4, 1, 3),
        folded: ints(1, 16, 9),
        d: floats(16, 1, 3),
        apart: ints(4, 4, 7),
        s: floats(4),
        v: { dims: [4], floats: [1, 0.5, 2, 0.3] },
        rows: ints(1, 4, 28),
        w: floats(28, 4),
      },
    ),
    2,
  ],
  'frames in the batch': [
    model(
      [1, 5, 4, 6],
      [
        node('Reshape', 'x batch', 'r'),
        node('Conv', 'r k', 'a', { kernel_shape: [3] }),
        node('GlobalAveragePool', 'a', 'g'),
        node('Reshape', 'g rows', 'h'),
        node('MatMul', 'h w', 'y'),
      ],
      { batch: ints(5, 4, 6), k: floats(4, 4, 3), rows: ints(1, 5, 4), w: floats(4, 4) },
    ),
    1,
  ],
  'pieces of a window in the batch, with layers across and along the pieces': [
    model(
      [1, 12, 3],
      [
        node('Reshape', 'x pieces', 'p'),
        node('Transpose', 'p', 't', { perm: [0, 3, 2, 1] }),
        node('Reshape', 't batch', 'r'),
        node('MatMul', 'r w', 'a'),
        node('Transpose', 'a', 'at', { perm: [0, 2, 1] }),
        node('MatMul', 'at v', 'b'),
        node('Squeeze', 'b last', 'c'),
        node('Concat', 'c c', 'd', { axis: 1 }),
        node('Reshape', 'd out', 'e'),
        node('Transpose', 'e', 'f', { perm: [0, 2, 1] }),
        node('Transpose', 'x', 'xt', { perm: [0, 2, 1] }),
        node('MatMul', 'xt u', 'g'),
        node('Transpose', 'g', 'h', { perm: [0, 2, 1] }),
        node('Add', 'f h', 'y'),
      ],
      {
        pieces: ints(1, 4, 3, 3),
        batch: ints(3, 3, 4),
        w: floats(4, 4),
        v: floats(3, 1),
        last: ints(2),
        out: ints(1, 3, 8),
        u: floats(12, 8),
      },
    ),
    1,
  ],
  'rows interpolated with aligned corners, then selected one by one': [
    model(
      [1, 3, 6],
      [
        node('Conv', 'x k', 'a', { kernel_shape: [3], pads: [1, 1] }),
        node('Resize', 'a - - sizes', 'r', { mode: 'linear', coordinate_transformation_mode: 'align_corners' }),
        node('Transpose', 'r', 't', { perm: [2, 0, 1] }),
        node('GatherND', 't places', 'g'),
        node('MatMul', 'g w', 'y'),
      ],
      { k: floats(6, 3, 3), sizes: ints(1, 6, 9), places: { dims: [6, 1], ints: [0, 2, 2, 5, 8, 1] }, w: floats(6, 2) },
    ),
  ],
  'interpolation with half-pixel coordinates to a size that is not a multiple': [
    model(
      [1, 7],
      [
        node('MatMul', 'x w', 'a'),
        node('Unsqueeze', 'a one', 'u'),
        node('Resize', 'u - - sizes', 'r', { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }),
        node('Relu', 'r', 'y'),
      ],
      { w: floats(7, 4), one: ints(1), sizes: ints(1, 1, 7) },
    ),
  ],
  'a vector as a sequence': [
    model(
      [1, 3, 6],
      [
        node('Flatten', 'x', 'f'),
        node('MatMul', 'f w', 'v'),
        node('Reshape', 'v frames', 's'),
        node('ConvTranspose', 's k', 'u', { kernel_shape: [4], strides: [2], pads: [1, 1] }),
        node('Conv', 'u k', 'y', { kernel_shape: [4] }),
      ],
      { w: floats(18, 16), frames: ints(1, 4, 4), k: floats(4, 4, 4) },
    ),
  ],
  'a layer over a vector as a sequence': [
    model(
      [1, 3, 6],
      [
        node('Flatten', 'x', 'f'),
        node('MatMul', 'f w', 'v'),
        node('Reshape', 'v frames', 's'),
        node('Conv', 's k', 'y', { kernel_shape: [3] }),
      ],
      { w: floats(18, 16), frames: ints(1, 4, 4), k: floats(2, 4, 3) },
    ),
  ],
  'a constant matrix per head, on the left and on the right of the rows': [
    model(
      [1, 6, 8],
      [
        node('MatMul', 'x w', 'a'),
        node('Reshape', 'a heads', 'h'),
        node('Transpose', 'h', 'rows', { perm: [0, 2, 1, 3] }),
        node('Transpose', 'h', 'turned', { perm: [0, 2, 3, 1] }),
        node('MatMul', 'q turned', 's'),
        node('MatMul', 'rows p', 'r'),
        node('Transpose', 's', 'st', { perm: [0, 1, 3, 2] }),
        node('Add', 'st r', 'y'),
      ],
      { w: floats(8, 4), heads: ints(1, 6, 2, 2), q: floats(1, 2, 2, 2), p: floats(1, 2, 2, 2) },
    ),
    1,
  ],
  'attention weights of sensors from a product with a vector': [
    model(
      [1, 6, 3, 4],
      [
        node('Transpose', 'x', 'c', { perm: [0, 3, 1, 2] }),
        node('Conv', 'c k', 'd', { kernel_shape: [1, 1] }),
        node('Transpose', 'd', 'e', { perm: [0, 2, 3, 1] }),
        node('Tanh', 'e', 't'),
        node('MatMul', 't u', 'v'),
        node('Softmax', 'v', 'p', { axis: 2 }),
        node('Unsqueeze', 'p last', 'q'),
        node('Mul', 'e q', 'm'),
        node('ReduceSum', 'm two', 'y', { keepdims: 0 }),
      ],
      { k: floats(4, 4, 1, 1), u: floats(4), last: ints(3), two: ints(2) },
    ),
    1,
  ],
  'a window padded by wrapping around': [
    model([1, 3, 6], [node('Pad', 'x pads', 'p', { mode: 'wrap' }), node('Conv', 'p k', 'y', { kernel_shape: [3] })], {
      pads: { dims: [6], ints: [0, 0, 2, 0, 0, 1] },
      k: floats(4, 3, 3),
    }),
  ],
  'a normalisation of constants': [
    model(
      [1, 3, 6],
      [
        node('MatMul', 'x w', 'a'),
        node('Add', 'c c', 'd'),
        node('LayerNormalization', 'd g b', 'n', { axis: -1, epsilon: { float: 0.25 } }),
        node('Add', 'a n', 'y'),
      ],
      { w: floats(6, 4), c: floats(1, 3, 4), g: floats(4), b: floats(4) },
    ),
  ],
  'selections by comparisons of the signal, and comparisons as numbers': [
    model(
      [1, 2, 9],
      [
        node('Conv', 'x k', 'a', { kernel_shape: [3], pads: [1, 1] }),
        node('Greater', 'a limits', 'g'),
        node('Mul', 'a half', 'h'),
        node('Where', 'g a h', 'w'),
        node('Less', 'half a', 'l'),
        node('Where', 'l zero w', 'v'),
        node('LessOrEqual', 'a w', 'e'),
        node('Not', 'e', 'n'),
        node('Cast', 'n', 'c', { to: 1 }),
        node('Where', 'g half limits', 'u'),
        node('Add', 'c v', 's'),
        node('Add', 's u', 'y'),
      ],
      { k: floats(4, 2, 3), limits: floats(1, 4, 1), half: { dims: [], floats: [0.5] }, zero: { dims: [], floats: [0] } },
    ),
  ],
};

for (const [name, [bytes, timeAxis]] of Object.entries(networks))
  (runtime ? test : test.skip)(name, async () => {
    const graph = readOnnx(bytes, timeAxis === undefined ? {} : { timeAxis });
    const inputs = randomInputs(graph, 5);
    const wanted = await oracle(runtime as NonNullable<typeof runtime>, bytes, graph, inputs);
    for (const [i, own] of ownOutputs(graph, inputs).entries()) assert.ok(relativeError(own, wanted[i] as Float32Array) < 2e-5);
  });

test('a selection by the signal is refused if the value that is not selected may be infinite', async () => {
  const nodes = [node('Greater', 'x half', 'g'), node('Log', 'x', 'l'), node('Where', 'g l x', 'y')];
  const error = await refusalOf(() => readOnnx(model([1, 2, 9], nodes, { half: { dims: [], floats: [0.5] } })));
  assert.match(error.message, /RN150.*Where.*values that may not be finite/);
});

test.run();
