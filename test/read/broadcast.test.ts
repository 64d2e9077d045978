/**
 * ONNX operators that become several nodes: values of a window combined with its rows, transposed
 * convolutions, kernels over channels, constants per row. The float graph is checked against onnxruntime, the
 * streamed integers against the windowed model.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { testAgainstOracle } from './against-oracle.ts';
import { ints, node, weightsOf } from './step-models.ts';

const floats = weightsOf(3);
const conv = node('Conv', 'x k', 'a', { pads: [1, 1] });
const model = (x: number[], nodes: NodeOf[], tensors: Record<string, TensorOf>): ModelOf => ({
  nodes,
  inputs: { x },
  outputs: ['y'],
  tensors: { k: floats(4, 3, 3), ...tensors },
  opset: 17,
});
const up = (attributes: NodeOf['attributes'], ...weights: number[]) =>
  model([1, 3, 6], [conv, node('ConvTranspose', 'a w b', 'y', attributes)], {
    w: floats(...weights),
    b: floats((weights[1] as number) * ((attributes?.group as number) ?? 1)),
  });

const models: Record<string, ModelOf> = {
  'squeeze and excite': model(
    [1, 3, 8],
    [
      conv,
      node('GlobalAveragePool', 'a', 'm'),
      node('Conv', 'm k1', 's'),
      node('Sigmoid', 's', 'g'),
      node('Mul', 'a g', 'e'),
      node('Conv', 'e k2', 'y', { pads: [1, 1] }),
    ],
    { k1: floats(4, 4, 1), k2: floats(2, 4, 3) },
  ),
  'the window minus its mean, divided by its standard deviation': model(
    [1, 3, 8],
    [
      conv,
      node('GlobalAveragePool', 'a', 'm'),
      node('Sub', 'a m', 'd'),
      node('Mul', 'd d', 'q'),
      node('GlobalAveragePool', 'q', 'v'),
      node('Sqrt', 'v', 'r'),
      node('Div', 'd r', 'y'),
    ],
    {},
  ),
  'a mask over features': model(
    [1, 3, 5, 4],
    [node('Conv', 'x k', 'a', { pads: [1, 1, 1, 1] }), node('ReduceMean', 'a', 'm', { axes: [3] }), node('Mul', 'a m', 'y')],
    { k: floats(2, 3, 3, 3) },
  ),
  'transposed, stride 2': up({ strides: [2] }, 4, 2, 3),
  'transposed, stride 2, cropped': up({ strides: [2], pads: [1, 1], output_padding: [1] }, 4, 2, 4),
  'transposed, stride 3, dilated': up({ strides: [3], dilations: [2], pads: [1, 0] }, 4, 2, 3),
  'transposed, in groups': up({ strides: [2], group: 2 }, 4, 3, 3),
  'transposed, SAME': up({ strides: [2], auto_pad: 'SAME_UPPER' }, 4, 2, 4),
  'transposed, over time and features': model(
    [1, 3, 4, 5],
    [node('ConvTranspose', 'x w', 'a', { strides: [2, 3], pads: [1, 0, 0, 1] }), node('Relu', 'a', 'y')],
    { w: floats(3, 2, 3, 4) },
  ),
  'upsampled, and concatenated with an earlier activation': model(
    [1, 3, 8],
    [
      conv,
      node('MaxPool', 'a', 'p', { kernel_shape: [2], strides: [2] }),
      node('ConvTranspose', 'p w', 'u', { strides: [2] }),
      node('Concat', 'u a', 'j', { axis: 1 }),
      node('Conv', 'j k2', 'y', { pads: [1, 1] }),
    ],
    { w: floats(4, 2, 2), k2: floats(2, 6, 3) },
  ),
  'a kernel over channels': model(
    [1, 3, 8],
    [conv, node('Transpose', 'a', 't', { perm: [0, 2, 1] }), node('Unsqueeze', 't one', 'u'), node('Conv', 'u k2', 'y')],
    { one: ints(1), k2: floats(5, 1, 3, 4) },
  ),
  'a kernel over channels and padding': model(
    [1, 3, 8],
    [
      conv,
      node('Transpose', 'a', 't', { perm: [0, 2, 1] }),
      node('Unsqueeze', 't one', 'u'),
      node('Conv', 'u k2', 'y', { pads: [0, 1, 0, 2] }),
    ],
    { one: ints(1), k2: floats(5, 1, 3, 4) },
  ),
  'constants per feature row': model(
    [1, 3, 5, 4],
    [node('Conv', 'x k', 'a', { pads: [1, 1, 1, 1] }), node('Mul', 'a s', 'b'), node('Add', 'b o', 'y')],
    { k: floats(2, 3, 3, 3), s: floats(1, 1, 1, 4), o: floats(2, 1, 4) },
  ),
  'a magnitude': model(
    [1, 3, 6],
    [
      conv,
      node('Slice', 'a zero two one', 'r'),
      node('Slice', 'a two four one', 'i'),
      node('Mul', 'r r', 'rr'),
      node('Pow', 'i p', 'ii'),
      node('Add', 'rr ii', 's'),
      node('Sqrt', 's', 'y'),
    ],
    { zero: ints(0), two: ints(2), four: ints(4), one: ints(1), p: { dims: [], floats: [2] } },
  ),
  'L2 of the channels': model([1, 3, 6], [conv, node('LpNormalization', 'a', 'y', { axis: 1 })], {}),
  'Einsum with a matrix': model(
    [1, 6, 1, 3],
    [node('Einsum', 'x w', 'a', { equation: 'btgi,gih->btgh' }), node('Relu', 'a', 'y')],
    { w: floats(1, 3, 4) },
  ),
  'padding in front of a sum': model(
    [1, 3, 6],
    [conv, node('Pad', 'a p', 'q'), node('Conv', 'q k3', 'r', { pads: [1, 1] }), node('Add', 'q r', 'y')],
    { p: ints(0, 0, 2, 0, 0, 1), k3: floats(4, 4, 3) },
  ),
  'rows mirrored': model(
    [1, 3, 6],
    [node('Pad', 'x p', 'q', { mode: 'reflect' }), node('Conv', 'q k', 'r'), node('Pad', 'r p2', 'y', { mode: 'edge' })],
    { p: ints(0, 0, 3, 0, 0, 2), p2: ints(0, 0, 1, 0, 0, 2) },
  ),
};

testAgainstOracle(models, ({ inputs }) => {
  const [shape] = Object.values(inputs ?? {});
  return shape?.length === 4 ? { timeAxis: shape[1] === 6 ? 1 : 2 } : {};
});

test('inputs whose axes cannot be brought to one shape are refused', () => {
  const odd = model([1, 3, 6], [conv, node('GlobalAveragePool', 'x', 'm'), node('Add', 'a m', 'y')], {});
  assert.throws(() => readOnnx(writeModel(odd)), /the axes of its inputs differ/);
});

test.run();
