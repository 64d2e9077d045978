/**
 * Rules of ONNX that exporters seldom use, and where an off-by-one error is easy. They are checked against
 * onnxruntime if it runs the file, otherwise against the specification's formula. Files that nothing here
 * computes are refused.
 */
import { WireType } from '@bufbuild/protobuf/wire';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import type { Graph, NodeOf, OpName } from '../../models/graph/types.ts';
import { halfToFloat } from '../../models/read/half.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTensor } from '../../models/read/onnx/tensor.ts';
import { Wire } from '../../models/read/onnx/wire.ts';
import { type ModelOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from './onnx-oracle.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');
const next = seededNormal(9);
const random = (...dims: number[]): TensorOf => ({ dims, floats: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, next) });

type Attributes = NonNullable<ModelOf['nodes'][number]['attributes']>;
const one = (op: string, attributes: Attributes, dims: number[], tensors: ModelOf['tensors'] = {}, opset = 17) =>
  writeModel({
    nodes: [{ op, name: 'n', inputs: ['x', ...Object.keys(tensors)], outputs: ['y'], attributes }],
    inputs: { x: dims },
    outputs: ['y'],
    tensors,
    opset,
  });

const nodeOf = <K extends OpName>(graph: Graph, op: K): NodeOf<K> => {
  const found = graph.nodes.find((node) => node.op === op) as NodeOf<K> | undefined;
  if (!found) throw new Error(`no ${op}`);
  return found;
};

const equal: Record<string, Uint8Array> = {
  'SAME_LOWER puts the odd zero first': one('Conv', { auto_pad: 'SAME_LOWER' }, [1, 2, 9], { w: random(3, 2, 4) }),
  'SAME_UPPER puts the odd zero last': one('Conv', { auto_pad: 'SAME_UPPER' }, [1, 2, 9], { w: random(3, 2, 4) }),
  "batch normalisation's default epsilon": one('BatchNormalization', {}, [1, 3, 5], {
    s: random(3),
    b: random(3),
    m: random(3),
    v: { dims: [3], floats: [2e-5, 1e-4, 1] },
  }),
  "a leaky ReLU's default slope": one('LeakyRelu', {}, [1, 2, 9]),
  'a Slice that drops frames after a strided convolution': writeModel({
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['a'], attributes: { pads: [4, 0], strides: [2] } },
      { op: 'Slice', inputs: ['a', 'from', 'to', 'axes'], outputs: ['y'] },
    ],
    inputs: { x: [1, 2, 13] },
    outputs: ['y'],
    tensors: {
      w: random(3, 2, 3),
      from: { dims: [1], ints: [1] },
      to: { dims: [1], ints: [1000] },
      axes: { dims: [1], ints: [2] },
    },
  }),
};

for (const [name, bytes] of Object.entries(equal))
  test(`agrees with onnxruntime: ${name}`, async () => {
    const graph = readOnnx(bytes, {});
    const inputs = randomInputs(graph, 3);
    const own = ownOutputs(graph, inputs);
    if (!runtime) return;
    const [theirs] = await oracle(runtime, bytes, graph, inputs);
    assert.ok(relativeError(own[0] as Float32Array, theirs as Float32Array) <= 1e-5);
  });

test('SAME padding takes the dilation into account', () => {
  const graph = readOnnx(one('Conv', { auto_pad: 'SAME_UPPER', dilations: [3] }, [1, 2, 11], { w: random(1, 2, 3) }), {});
  assert.equal(nodeOf(graph, 'conv').attrs.padT, [3, 3]);
});

test('ceil_mode: a window that starts after the input is dropped', () => {
  for (const [length, kernel, stride, frames] of [
    [6, 2, 3, 2],
    [7, 2, 3, 3],
    [8, 3, 4, 2],
  ] as const) {
    const attributes = { kernel_shape: [kernel], strides: [stride], ceil_mode: 1 };
    const graph = readOnnx(one('MaxPool', attributes, [1, 2, length]), {});
    assert.is(graph.tensors[graph.outputs[0]?.tensor ?? -1]?.shape.t, frames, `${length} by ${kernel}, ${stride}`);
  }
});

const zeros: TensorOf = { dims: [6], ints: [0, 0, 1, 0, 0, 1] };
/** Returns a convolution over frames that are padded with `value`. */
const around = (value: TensorOf): Uint8Array =>
  writeModel({
    nodes: [
      { op: 'Pad', inputs: ['x', 'p', 'v'], outputs: ['a'] },
      { op: 'Conv', inputs: ['a', 'w'], outputs: ['y'] },
    ],
    inputs: { x: [1, 2, 8] },
    outputs: ['y'],
    tensors: { p: zeros, v: value, w: random(1, 2, 3) },
  });
const padded = (attributes: Attributes): Uint8Array =>
  writeModel({
    nodes: [
      { op: 'Pad', inputs: ['x', 'p'], outputs: ['a'] },
      { op: 'AveragePool', inputs: ['a'], outputs: ['y'], attributes: { kernel_shape: [3], ...attributes } },
    ],
    inputs: { x: [1, 2, 8] },
    outputs: ['y'],
    tensors: { p: zeros },
  });
const quantised = (zeroAgain: number): Uint8Array =>
  writeModel({
    nodes: [
      { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] },
      { op: 'DequantizeLinear', inputs: ['q', 's', 'again'], outputs: ['d'] },
      { op: 'MaxPool', inputs: ['d'], outputs: ['m'], attributes: { kernel_shape: [2] } },
      { op: 'QuantizeLinear', inputs: ['m', 's', 'z'], outputs: ['mq'] },
      { op: 'DequantizeLinear', inputs: ['mq', 's', 'z'], outputs: ['y'] },
    ],
    inputs: { x: [1, 2, 8] },
    outputs: ['y'],
    tensors: { s: { dims: [], floats: [0.1] }, z: { dims: [], int8: [3] }, again: { dims: [], int8: [zeroAgain] } },
  });

const refused: Record<string, Uint8Array> = {
  'a pad below zero': one('Conv', { pads: [-1, 1] }, [1, 2, 9], { w: random(1, 2, 3) }),
  'zeros of a Pad before an average that does not count padding': padded({ count_include_pad: 0 }),
  'another value than zero around frames': around({ dims: [], floats: [0.5] }),
  'a softmax of opset 12, which runs over channels and frames': one('Softmax', { axis: 1 }, [1, 4, 6], {}, 12),
  'a softmax of opset 11, which runs over channels and frames': one('Softmax', { axis: 1 }, [1, 4, 6], {}, 11),
  'another zero point in DequantizeLinear than in QuantizeLinear': quantised(4),
};

for (const [name, bytes] of Object.entries(refused))
  test(`refused: ${name}`, () => {
    assert.throws(() => readOnnx(bytes, {}), isRunletError);
  });

test('the same files with valid values are read', () => {
  readOnnx(padded({ count_include_pad: 1 }), {});
  readOnnx(around({ dims: [], floats: [0] }), {});
  readOnnx(one('Softmax', { axis: 1 }, [1, 4, 6], {}, 13), {});
  readOnnx(quantised(3), {});
});

test('an element that does not fit its type is refused, not wrapped', () => {
  // TensorProto: one int8 (dims, data_type 3), int32_data as a packed list of one varint
  const tensor = (...varint: number[]) => {
    const body = [0x08, 1, 0x10, 3, 0x2a, varint.length, ...varint];
    const { value } = readTensor(new Wire(Uint8Array.of(body.length, ...body)), WireType.LengthDelimited);
    return 'kind' in value ? value.data : [];
  };
  assert.equal([...tensor(127)], [127]);
  for (const varint of [
    [0x80, 1],
    [0xc8, 1],
  ])
    assert.throws(() => tensor(...varint), isRunletError);
});

/** Returns the int8 graph that quantises x, applies `inner` and dequantises. */
function integers(inner: ModelOf['nodes'], tensors: ModelOf['tensors'], out = 's'): Graph {
  const bytes = writeModel({
    nodes: [
      { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['xq'] },
      { op: 'DequantizeLinear', inputs: ['xq', 's', 'z'], outputs: ['xd'] },
      ...inner,
      { op: 'QuantizeLinear', inputs: ['a', out, 'z'], outputs: ['yq'] },
      { op: 'DequantizeLinear', inputs: ['yq', out, 'z'], outputs: ['y'] },
    ],
    inputs: { x: [1, 2, 12] },
    outputs: ['y'],
    tensors: { s: { dims: [], floats: [0.05] }, z: { dims: [], uint8: [120] }, ...tensors },
  });
  return readOnnx(bytes, {});
}

test('an average with another output scale becomes weights that sum to 1', () => {
  const pool = { op: 'AveragePool', inputs: ['xd'], outputs: ['a'], attributes: { kernel_shape: [5] } };
  const { weights } = nodeOf(integers([pool], { t: { dims: [], floats: [0.03] } }, 't'), 'depthwise').attrs;
  const sum = [...weights.data.slice(0, 5)].reduce((n, w) => n + w * (weights.scales?.[0] as number), 0);
  assert.ok(Math.abs(sum - 1) < 1e-6, `${sum}`);
});

test('a uint8 constant becomes the same real values in int8, at both ends', () => {
  const add = { op: 'Add', inputs: ['xd', 'cd'], outputs: ['a'] };
  const constant = { op: 'DequantizeLinear', inputs: ['c', 'cs', 'cz'], outputs: ['cd'] };
  const tensors = {
    c: { dims: [1, 2, 1], uint8: [255, 0] },
    cs: { dims: [], floats: [0.25] },
    cz: { dims: [], uint8: [100] },
  };
  const found = nodeOf(integers([constant, add], tensors), 'add').attrs.constant;
  const real = [...(found?.data ?? [])].map((q) => (found?.quant?.scale ?? 0) * (q - (found?.quant?.zeroPoint ?? 0)));
  assert.equal(real, [0.25 * 155, -25]);
});

test('a difference in int8 is one node, whichever operand is constant', () => {
  const sub = { op: 'Sub', inputs: ['xd', 'b'], outputs: ['a'] };
  const pool = { op: 'MaxPool', inputs: ['xd'], outputs: ['p'], attributes: { kernel_shape: [3], pads: [1, 1] } };
  const again = [
    { op: 'QuantizeLinear', inputs: ['p', 's', 'z'], outputs: ['pq'] },
    { op: 'DequantizeLinear', inputs: ['pq', 's', 'z'], outputs: ['b'] },
  ];
  const graph = integers([pool, ...again, sub], {});
  assert.is(nodeOf(graph, 'add').attrs.minus, 1);
  assert.is(graph.nodes.filter((node) => node.op !== 'maxpool').length, 1);
  const constant = { op: 'DequantizeLinear', inputs: ['c', 's', 'z'], outputs: ['cd'] };
  const tensors = { c: { dims: [1, 2, 1], uint8: [255, 0] } };
  for (const [operands, minus] of [
    [['xd', 'cd'], 1],
    [['cd', 'xd'], 0],
  ] as const) {
    const { attrs } = nodeOf(integers([constant, { ...sub, inputs: [...operands] }], tensors), 'add');
    assert.equal([attrs.minus, [...(attrs.constant?.data ?? [])]], [minus, [127, -128]]);
  }
});

test('a field that extends past its message is refused', () => {
  // a message of 2 bytes whose field 1 declares 3 bytes
  const wire = new Wire(Uint8Array.of(2, 0x0a, 3, 1, 2, 3, 4, 5));
  let blob: Uint8Array | undefined;
  assert.throws(() => wire.message(WireType.LengthDelimited, 'M', { 1: (w, t) => (blob = w.blob(t)) }), isRunletError);
  assert.is(blob, undefined, 'no byte after the message is returned');
});

test('float16: every bit pattern has the value of the formula', () => {
  for (const [bits, value] of [
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ] as const)
    assert.is(halfToFloat(bits), value, bits.toString(16));
  assert.ok(Object.is(halfToFloat(0x8000), -0) && Number.isNaN(halfToFloat(0x7e01)));
  // values increase with the bit patterns, on both sides of 0
  for (let bits = 1; bits <= 0x7c00; bits++) {
    assert.ok(halfToFloat(bits) > halfToFloat(bits - 1), bits.toString(16));
    assert.is(halfToFloat(bits | 0x8000), -halfToFloat(bits));
  }
});

test.run();
