/**
 * Parts of ONNX tensors, against onnxruntime: Split (into equal parts and by lengths), Slice, Gather and
 * GatherElements.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type ModelOf, writeModel } from '../../models/write/onnx/proto.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

type Nodes = ModelOf['nodes'];
/** Returns a convolution from 3 to 8 channels over 12 frames, then nodes `after` with constants `ints`. */
const network = (after: Nodes, ints: Record<string, number[] | number> = {}, more: ModelOf['tensors'] = {}): Uint8Array => {
  const next = seededNormal(3);
  const constants = Object.entries(ints).map(([name, v]) => [
    name,
    { dims: Array.isArray(v) ? [v.length] : [], ints: [v].flat() },
  ]);
  return writeModel({
    nodes: [{ op: 'Conv', inputs: ['x', 'W'], outputs: ['a'], attributes: { kernel_shape: [3], pads: [1, 1] } }, ...after],
    inputs: { x: [1, 3, 12] },
    outputs: ['y'],
    tensors: {
      W: { dims: [8, 3, 3], floats: Array.from({ length: 72 }, next) },
      V: { dims: [2, 8, 7], floats: Array.from({ length: 112 }, next) },
      ...Object.fromEntries(constants),
      ...more,
    },
    opset: 17,
  });
};

const networks: Record<string, Uint8Array> = {
  'Split into halves: a gated linear unit': network([
    { op: 'Split', inputs: ['a'], outputs: ['p', 'q'], attributes: { axis: 1 } },
    { op: 'Sigmoid', inputs: ['q'], outputs: ['s'] },
    { op: 'Mul', inputs: ['p', 's'], outputs: ['y'] },
  ]),
  'Split by lengths': network(
    [
      { op: 'Split', inputs: ['a', 'sizes'], outputs: ['p', 'q'], attributes: { axis: 1 } },
      { op: 'Concat', inputs: ['q', 'p'], outputs: ['y'], attributes: { axis: 1 } },
    ],
    { sizes: [3, 5] },
  ),
  'Split of frames': network(
    [
      { op: 'Split', inputs: ['a', 'sizes'], outputs: ['p', 'q'], attributes: { axis: 2 } },
      { op: 'Relu', inputs: ['q'], outputs: ['y'] },
    ],
    { sizes: [7, 5] },
  ),
  'Split of frames, where only the last part depends on the padding': network(
    [
      { op: 'Split', inputs: ['a', 'sizes'], outputs: ['p', 'q'], attributes: { axis: 2 } },
      { op: 'ReduceMean', inputs: ['p'], outputs: ['m'], attributes: { axes: [2], keepdims: 1 } },
      { op: 'Add', inputs: ['m', 'q'], outputs: ['y'] },
    ],
    { sizes: [11, 1] },
  ),
  'Slice of frames': network([{ op: 'Slice', inputs: ['a', 'from', 'to', 'axis'], outputs: ['y'] }], {
    from: [-4],
    to: [-1],
    axis: [2],
  }),
  'Slice of frames in reverse order': network([{ op: 'Slice', inputs: ['a', 'from', 'to', 'axis', 'step'], outputs: ['y'] }], {
    from: [-2],
    to: [2],
    axis: [2],
    step: [-1],
  }),
  'Slice of every third frame and all channels, in reverse order': network(
    [
      { op: 'Slice', inputs: ['a', 'from', 'to', 'axes', 'steps'], outputs: ['b'] },
      { op: 'Add', inputs: ['b', 'b'], outputs: ['y'] },
    ],
    { from: [11, 8], to: [-13, -9], axes: [2, 1], steps: [-3, -1] },
  ),
  'mirror padding by slices in reverse order': network(
    [
      { op: 'Slice', inputs: ['a', 'first', 'past', 'axis', 'step'], outputs: ['l'] },
      { op: 'Slice', inputs: ['a', 'last', 'end', 'axis', 'step'], outputs: ['r'] },
      { op: 'Concat', inputs: ['l', 'a', 'r'], outputs: ['p'], attributes: { axis: 2 } },
      { op: 'Conv', inputs: ['p', 'V'], outputs: ['y'], attributes: { kernel_shape: [7] } },
    ],
    { first: [3], past: [0], last: [-2], end: [-5], axis: [2], step: [-1] },
  ),
  'Slice of frames and channels': network([{ op: 'Slice', inputs: ['a', 'from', 'to', 'axes'], outputs: ['y'] }], {
    from: [2, 5],
    to: [6, 9],
    axes: [1, 2],
  }),
  'zeros around the channels': network(
    [
      { op: 'Pad', inputs: ['a', 'pads'], outputs: ['p'] },
      { op: 'Relu', inputs: ['p'], outputs: ['y'] },
    ],
    { pads: [0, 2, 0, 0, 1, 0] },
  ),
  'zeros around the channels and before time': network(
    [
      { op: 'Pad', inputs: ['a', 'pads'], outputs: ['p'] },
      { op: 'Relu', inputs: ['p'], outputs: ['y'] },
    ],
    { pads: [0, 1, 3, 0, 1, 0] },
  ),
  'Gather of the last frame': network([{ op: 'Gather', inputs: ['a', 'end'], outputs: ['y'], attributes: { axis: 2 } }], {
    end: -1,
  }),
  'Gather of channels in another order': network(
    [
      { op: 'Gather', inputs: ['a', 'some'], outputs: ['g'], attributes: { axis: 1 } },
      { op: 'Relu', inputs: ['g'], outputs: ['y'] },
    ],
    { some: [5, 6, 0, -1, 2, 2] },
  ),
  'Gather of frames that are not consecutive': network(
    [{ op: 'Gather', inputs: ['a', 'two'], outputs: ['y'], attributes: { axis: 2 } }],
    {
      two: [3, 0],
    },
  ),
  'Gather of consecutive frames': network([{ op: 'Gather', inputs: ['a', 'some'], outputs: ['y'], attributes: { axis: 2 } }], {
    some: [3, 4, 5],
  }),
  'Slice of every third channel': network(
    [
      { op: 'Slice', inputs: ['a', 'from', 'to', 'axis', 'step'], outputs: ['b'] },
      { op: 'Concat', inputs: ['a', 'b'], outputs: ['y'], attributes: { axis: 1 } },
    ],
    { from: [1], to: [8], axis: [1], step: [3] },
  ),
  'GatherND of the last row': writeModel({
    nodes: [
      { op: 'Relu', inputs: ['x'], outputs: ['a'] },
      { op: 'GatherND', inputs: ['a', 'place'], outputs: ['last'] },
      { op: 'MatMul', inputs: ['last', 'M'], outputs: ['y'] },
    ],
    inputs: { x: [1, 9, 4] },
    outputs: ['y'],
    tensors: { place: { dims: [1, 2], ints: [0, -2] }, M: { dims: [4, 2], floats: [1, -2, 3, 0.5, -1, 2, 0.25, 1] } },
    opset: 17,
  }),
  'GatherElements of two frames, the same for all channels': writeModel({
    nodes: [
      { op: 'Relu', inputs: ['x'], outputs: ['a'] },
      { op: 'Sub', inputs: ['length', 'one'], outputs: ['last'] },
      { op: 'Expand', inputs: ['last', 'shape'], outputs: ['index'] },
      { op: 'GatherElements', inputs: ['a', 'index'], outputs: ['y'], attributes: { axis: 1 } },
    ],
    inputs: { x: [1, 9, 4] },
    outputs: ['y'],
    tensors: { length: { dims: [2, 1], ints: [6, 7] }, one: { dims: [], ints: [1] }, shape: { dims: [3], ints: [1, 2, 4] } },
    opset: 17,
  }),
};
for (const [name, bytes] of Object.entries(networks))
  (runtime ? test : test.skip)(name, async () => {
    const graph = readOnnx(bytes);
    const inputs = randomInputs(graph, 5);
    const wanted = await oracle(runtime as NonNullable<typeof runtime>, bytes, graph, inputs);
    for (const [i, own] of ownOutputs(graph, inputs).entries()) assert.ok(relativeError(own, wanted[i] as Float32Array) < 2e-5);
  });

test('parts that do not add up, elements out of range and different elements per channel are refused', async () => {
  const refused = async (bytes: Uint8Array) => (await refusalOf(() => readOnnx(bytes))).message;
  const split: Nodes = [{ op: 'Split', inputs: ['a', 'sizes'], outputs: ['y', 'q'], attributes: { axis: 1 } }];
  assert.match(await refused(network(split, { sizes: [3, 4] })), /RN150.*parts of 3, 4 are not 8/);
  const gather: Nodes = [{ op: 'Gather', inputs: ['a', 'two'], outputs: ['y'], attributes: { axis: 2 } }];
  assert.match(await refused(network(gather, { two: [0, 12] })), /RN150.*element 12 of 12/);
  const each: Nodes = [{ op: 'GatherElements', inputs: ['a', 'which'], outputs: ['y'], attributes: { axis: 2 } }];
  const which = { which: { dims: [1, 8, 1], ints: [0, 0, 0, 1, 0, 0, 0, 0] } };
  assert.match(await refused(network(each, {}, which)), /RN150.*GatherElements.*different elements in different places/);
});

test.run();
