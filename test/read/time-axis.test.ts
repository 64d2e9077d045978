/**
 * The time dimension: recognised from the file, set by an option or the metadata, or asked for. It is never
 * guessed without a notice.
 */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import type { Graph } from '../../models/graph/types.ts';
import { flatQuestion, frameWidths } from '../../models/read/flat.ts';
import { type ReadOptions, readModel } from '../../models/read/index.ts';
import { type AttributeOf, writeModel } from '../../models/write/onnx/proto.ts';
import { writeTflite } from './tflite-model.ts';

const ones = (...dims: number[]) => ({ dims, floats: new Array<number>(dims.reduce((a, b) => a * b, 1)).fill(0.01) });

/** Returns an ONNX convolution over [1, 1, a, b]. */
const plane = (a: number, b: number, kernel = [3, 3], attributes: Record<string, AttributeOf> = {}, metadata: Record<string, string> = {}) =>
  writeModel({
    nodes: [{ op: 'Conv', name: 'c', inputs: ['x', 'w'], outputs: ['y'], attributes }],
    inputs: { x: [1, 1, a, b] },
    outputs: ['y'],
    tensors: { w: ones(2, 1, ...kernel) },
    metadata,
  }); // biome-ignore format: one line

/** Returns an ONNX file that flattens [1, a, b]. */
const flattened = (a: number, b: number) =>
  writeModel({
    nodes: [
      { op: 'Flatten', inputs: ['x'], outputs: ['f'] },
      { op: 'Gemm', inputs: ['f', 'w'], outputs: ['y'] },
    ],
    inputs: { x: [1, a, b] },
    outputs: ['y'],
    tensors: { w: ones(a * b, 2) },
  });

/** Returns a TensorFlow Lite max pool over [1, a, b, 1]. */
const pooled = (a: number, b: number, op = 17) =>
  writeTflite({
    tensors: { x: { shape: [1, a, b, 1] }, y: { shape: [1, a, b, 1] } },
    operators: [{ code: op, inputs: ['x'], outputs: ['y'], options: { kind: 5, int8: { 0: 0 }, int32: { 1: 1, 2: 1, 3: 1, 4: 1 } } }],
    inputs: ['x'],
    outputs: ['y'],
  }); // biome-ignore format: one line

/** Returns an ONNX file that transposes [1, a, b] before a layer. */
const turned = (a: number, b: number) =>
  writeModel({
    nodes: [
      { op: 'Transpose', inputs: ['x'], outputs: ['xt'], attributes: { perm: [0, 2, 1] } },
      { op: 'MatMul', inputs: ['xt', 'w'], outputs: ['y'] },
    ],
    inputs: { x: [1, a, b] },
    outputs: ['y'],
    tensors: { w: ones(a, 2) },
  });

const shapeOf = (graph: Graph) => {
  const { t, f, c } = graph.tensors[graph.inputs[0]?.tensor as number]?.shape ?? { t: 0, f: 0, c: 0 };
  return [t, f, c];
};

/** Returns the input's time, features and channels with the notices, or the error. */
async function read(bytes: Uint8Array, options: ReadOptions = {}) {
  const notices: string[] = [];
  try {
    const graph = await readModel(bytes, { ...options, onNotice: (text) => notices.push(text) });
    return { shape: shapeOf(graph), notices, graph };
  } catch (error) {
    if (!isRunletError(error)) throw error;
    return { error, notices };
  }
}

test('a dimension with a usual number of mel bands is features, in either position', async () => {
  for (const file of [plane, pooled])
    for (const mels of [40, 64, 80, 128, 13]) {
      const first = await read(file(mels, 101));
      const last = await read(file(101, mels));
      assert.equal([first.shape, last.shape], [[101, mels, 1], [101, mels, 1]], `${mels}`); // biome-ignore format: one line
      assert.equal([first.notices, last.notices], [[], []]);
    }
});

test('the short dimension is features, even if the long one has a usual number of mel bands', async () => {
  assert.equal((await read(plane(128, 6))).shape, [128, 6, 1]);
  assert.equal((await read(plane(9, 128))).shape, [128, 9, 1]);
});

test('operators decide before lengths: 40 frames of 101 values', async () => {
  const cases: [string, Uint8Array][] = [
    ['dilated', plane(40, 101, [3, 3], { dilations: [2, 1] })],
    ['causal', plane(40, 101, [3, 3], { pads: [2, 1, 0, 1] })],
    ['a kernel over a whole axis', plane(40, 101, [3, 101])],
    ['a kernel along one axis only', plane(40, 101, [3, 1])],
  ];
  for (const [name, bytes] of cases) {
    const { shape, notices, graph } = await read(bytes);
    assert.equal(shape, [40, 101, 1], name);
    assert.equal(notices, [], name);
    assert.match(graph?.notes[0] ?? '', 'time is dimension 2 (40 frames of 101)');
  }
  assert.equal((await read(plane(101, 40, [1, 3]))).shape, [40, 101, 1], 'with the dimensions exchanged');
});

test('a much longer dimension is taken as time, with a notice that names the alternative and its option', async () => {
  for (const [a, b, dim] of [
    [99, 43, 3],
    [43, 99, 2],
  ] as const) {
    // biome-ignore format: one line
    const { shape, notices } = await read(plane(a, b));
    assert.equal(shape, [99, 43, 1]);
    assert.is(notices.length, 1);
    assert.match(notices[0] as string, `--time-axis ${dim} takes 43 frames of 99`);
  }
});

test('if nothing decides, RN168 names both alternatives and their options', async () => {
  for (const [bytes, dims] of [
    [plane(49, 43), [2, 3]],
    [plane(64, 40), [2, 3]],
    [plane(32, 32), [2, 3]],
    [pooled(49, 43), [1, 2]],
    [flattened(50, 43), [1, 2]],
  ] as const) {
    // biome-ignore format: one line
    const { error } = await read(bytes);
    assert.is(error?.code, 'RN168');
    const [first, second] = dims;
    assert.match(error?.parts.tryThis ?? '', `--time-axis ${first} or --time-axis ${second}`);
    const a = await read(bytes, { timeAxis: first });
    const b = await read(bytes, { timeAxis: second });
    assert.match(error?.parts.why ?? '', `dimension ${first} gives ${a.shape?.[0]} frames`);
    assert.match(error?.parts.why ?? '', `dimension ${second} gives ${b.shape?.[0]} frames`);
    assert.equal([a.notices, b.notices], [[], []]);
  }
});

test('metadata set the time dimension or the width of the front end, and the option overrides them', async () => {
  const told = plane(49, 43, [3, 3], {}, { 'runlet.time_axis': '3' });
  assert.equal((await read(told)).shape, [43, 49, 1]);
  assert.equal((await read(told, { timeAxis: 2 })).shape, [49, 43, 1]);
  const features = JSON.stringify({ preset: 'microwakeword', stepSamples: 160, sampleRateHz: 16000 });
  assert.is((await read(plane(64, 40))).error?.code, 'RN168');
  assert.equal((await read(plane(64, 40, [3, 3], {}, { 'runlet.features': features }))).shape, [64, 40, 1]);
});

test('if only one dimension can stream, it is taken as time', async () => {
  const file = new Uint8Array(readFileSync(new URL('../fixtures/onnx/ts-channelfold.onnx', import.meta.url)));
  assert.is((await read(file, { timeAxis: 2 })).error?.code, 'RN150');
  const { shape, notices } = await read(file);
  assert.is(shape?.[0], 16);
  assert.equal(notices, []);
});

test('a flattened window is recognised by its width, or by the convention of Keras with a notice', async () => {
  assert.equal((await read(flattened(30, 96))).shape, [30, 1, 96]);
  assert.equal((await read(flattened(6, 128))).shape, [128, 1, 6]);
  const dense = (a: number, b: number) =>
    writeTflite({
      tensors: { x: { shape: [1, a, b] }, f: { shape: [1, a * b] }, w: { shape: [2, a * b], floats: new Array(2 * a * b).fill(0.1) }, y: { shape: [1, 2] } },
      operators: [
        { code: 22, inputs: ['x'], outputs: ['f'] },
        { code: 9, inputs: ['f', 'w'], outputs: ['y'], options: { kind: 8 } },
      ],
      inputs: ['x'],
      outputs: ['y'],
    }); // biome-ignore format: one line
  const keras = await read(dense(50, 43));
  assert.equal(keras.shape, [50, 1, 43]);
  assert.match(keras.notices.join(), 'Keras');
  assert.equal((await read(dense(6, 128))).shape, [128, 1, 6], 'channels first, as a converter from PyTorch leaves them');
});

test('a layer after a transposition reads the values of a frame, or channels that came first', async () => {
  assert.equal((await read(turned(48, 3))).shape, [48, 1, 3]);
  assert.equal((await read(turned(3, 48))).shape, [48, 1, 3]);
  const open = await read(turned(20, 18));
  assert.equal(open.shape, [18, 1, 20]);
  assert.match(String(open.notices), /since a layer reads the values of a frame; --time-axis 1 takes 20 frames of 18/);
});

const flat = (values: number, metadata: Record<string, string> = {}) =>
  writeModel({
    nodes: [{ op: 'Gemm', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: { x: [1, values] },
    outputs: ['y'],
    tensors: { w: ones(values, 2) },
    metadata,
  });

test('for a flat window, the question suggests plausible frames', async () => {
  const question = async (values: number, columns?: number, metadata: Record<string, string> = {}) =>
    flatQuestion(await readModel(flat(values, metadata)), columns) ?? '';
  assert.match(await question(714), 'is this 119 frames of 6? Then --frame 6');
  assert.match(await question(714, 3), 'is this 238 frames of 3, as the data have 3 columns? Then --frame 3');
  assert.match(await question(714, 5), '--frame 6', 'a number of columns that does not divide the window is ignored');
  assert.match(await question(1960), 'is this 49 frames of 40? Then --frame 40');
  assert.is(await question(16), '', 'features of one moment');
  assert.equal(shapeOf(await readModel(flat(714), { frame: 6 })), [119, 1, 6]);
  assert.is(flatQuestion(await readModel(flat(714), { frame: 6 }), 3), undefined);
  assert.equal(shapeOf(await readModel(flat(714, { 'runlet.frame': '6' }))), [119, 1, 6]);
  assert.equal(frameWidths(142, []), [2, 1]);
  assert.equal(frameWidths(90, [3]), [3]);
});

test.run();
