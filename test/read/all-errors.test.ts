/**
 * A reader reports all errors of a file at once, in a bounded list. The option `window` sets the lengths of
 * an ONNX file's open dimensions.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError, type RunletError } from '../../models/error.ts';
import { type ReadOptions, readModel } from '../../models/read/index.ts';
import { type NodeOf, writeModel } from '../../models/write/onnx/proto.ts';
import { writeTflite } from './tflite-model.ts';

async function errorOf(bytes: Uint8Array, options: ReadOptions = {}): Promise<RunletError> {
  try {
    await readModel(bytes, options);
  } catch (error) {
    if (isRunletError(error)) return error;
    throw error;
  }
  throw new Error('it was read');
}

type Dims = (number | string)[];
const ones = (...dims: number[]) => ({ dims, floats: new Array<number>(dims.reduce((a, b) => a * b, 1)).fill(0.01) });
const convolution: NodeOf = { op: 'Conv', name: 'conv', inputs: ['x', 'w'], outputs: ['h'] };
const conv = (dims: Dims, more: NodeOf[] = [], w: object = ones(4, 3, 3)) =>
  writeModel({
    nodes: [convolution, ...more],
    inputs: { x: dims },
    outputs: [more.at(-1)?.outputs[0] ?? 'h'],
    tensors: { w: w as ReturnType<typeof ones> },
  });
const odd = (name: string, from: string, to: string): NodeOf => ({ op: name, name, inputs: [from], outputs: [to] });

test('ONNX: an open dimension, a batch, external weights or an old opset does not hide unsupported operators', async () => {
  const more = [odd('Asin', 'h', 'a'), odd('Acos', 'a', 'y')];
  const cases: [string, Uint8Array, RegExp[]][] = [
    ['open', conv(['N', 3, 'T'], more), [/RN156 dimension 2 \(T\)/, /RN150 2 operators/, /Asin/, /Acos/]],
    ['batch', conv([8, 3, 64], more), [/RN157 the batch is 8/, /Asin/, /Acos/]],
    ['external', conv([1, 3, 64], more, { dims: [4, 3, 3], floats: [], external: true }), [/RN153/, /Asin/, /Acos/]],
    [
      'opset',
      writeModel({ nodes: [odd('Asin', 'x', 'y')], inputs: { x: [1, 3, 64] }, outputs: ['y'], opset: 7 }),
      [/RN155 opset 7/, /Asin/],
    ],
  ];
  for (const [name, bytes, all] of cases) {
    const { code, parts } = await errorOf(bytes);
    assert.is(code, 'RN169', name);
    for (const text of all) assert.match(parts.why as string, text, name);
  }
  assert.is((await errorOf(conv(['N', 3, 'T']))).code, 'RN156', 'a single error keeps its code');
  assert.match((await errorOf(conv(['N', 3, 'T'], more))).parts.tryThis as string, '--window 128');
});

test('ONNX: all inputs with an error are listed, also an input whose time axis is ambiguous', async () => {
  const bytes = writeModel({
    nodes: [convolution, odd('Asin', 'z', 'y')],
    inputs: { x: [2, 3, 64], z: [4, 3, 5, 6, 7] },
    outputs: ['h', 'y'],
    tensors: { w: ones(4, 3, 3) },
  });
  const { why } = (await errorOf(bytes)).parts;
  for (const text of [/the batch is 2/, /5 dimensions/, /Asin/]) assert.match(why as string, text);
  const open = writeModel({
    nodes: [convolution, odd('Asin', 'h', 'y')],
    inputs: { x: [1, 3, 49, 43] },
    outputs: ['y'],
    tensors: { w: ones(4, 3, 3, 3) },
  });
  for (const text of [/RN168/, /Asin/]) assert.match((await errorOf(open)).parts.why as string, text);
});

test('the list is bounded, and nodes with the same operator and reason share one entry', async () => {
  const nodes = Array.from({ length: 300 }, (_, i) => odd('Asin', i === 0 ? 'x' : `v${i - 1}`, `v${i}`));
  const same = await errorOf(writeModel({ nodes, inputs: { x: [1, 3, 64] }, outputs: ['v299'] }));
  assert.match(same.parts.what, '300 operators');
  assert.match(same.parts.why as string, 'and 292 more: the operator is not supported');
  const each = nodes.map((node, i) => ({ ...node, op: `Odd${i}` }));
  const different = await errorOf(writeModel({ nodes: each, inputs: { x: [1, 3, 64] }, outputs: ['v299'] }));
  assert.match(different.parts.why as string, /; and 268 more$/);
  assert.ok(different.message.length < 8000);
});

test('TensorFlow Lite: errors of the batch, of parameters and of operators are reported at once', async () => {
  const q = (zero: number) => ({ scales: [0.1], zeroPoints: [zero] });
  const bytes = writeTflite({
    tensors: {
      x: { shape: [8, 16, 4], type: 9, quant: q(0) },
      a: { shape: [8, 16, 4], type: 9, quant: q(0) },
      y: { shape: [8, 16, 4], type: 9, quant: q(999) },
    },
    operators: [
      { code: 128, inputs: ['x'], outputs: ['a'] }, // CUMSUM
      { code: 19, inputs: ['a'], outputs: ['y'] },
    ],
    inputs: ['x'],
    outputs: ['y'],
  });
  const { code, parts } = await errorOf(bytes);
  assert.is(code, 'RN169');
  for (const text of [/RN105.*zero point 999/, /RN103 the batch is 8/, /RN110 1 of 2 operators.*CUMSUM/])
    assert.match(parts.why as string, text);
});

test('TensorFlow.js: an open dimension, missing weights and unsupported layers are reported at once', async () => {
  const layer = (className: string, name: string, config: object = {}) => ({
    class_name: className,
    config: { name, ...config },
  });
  const json = {
    modelTopology: {
      model_config: {
        class_name: 'Sequential',
        config: { name: 'm', layers: [layer('Conv1D', 'c', { batch_input_shape: [null, null, 3], filters: 4, kernel_size: [3] }), layer('Swirl', 'swirl'), layer('ConvLSTM2D', 'l')] },
      },
    },
    weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'c/kernel', shape: [3, 3, 4], dtype: 'float32' }] }],
  }; // biome-ignore format: one line
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const { code, parts } = await errorOf(bytes, { files: {} });
  assert.is(code, 'RN169');
  for (const text of [/RN162/, /RN164 dimension 1 is open/, /Swirl swirl/, /ConvLSTM2D l/])
    assert.match(parts.why as string, text);
});

const frames = async (bytes: Uint8Array, options: ReadOptions) => {
  const { inputs, tensors } = await readModel(bytes, options);
  return inputs.map(({ tensor }) => tensors[tensor]?.shape.t);
};

test('window: the batch is always 1; a number, the dimension name or the input name sets the open dimension', async () => {
  for (const batch of ['N', 'batch_size', 'batch', 's77', '', -1, 0])
    for (const options of [{ window: 50 }, { windows: { time: 50 } }, { windows: { x: 50 } }] as ReadOptions[])
      assert.equal(await frames(conv([batch, 3, 'time']), options), [50], `${batch}`);
  assert.equal(await frames(conv(['batch', 3, '']), { window: 50 }), [50], 'without a name');
  assert.equal(
    await frames(conv(['batch', 'batch', 'time'], [], ones(4, 1, 3)), { window: 50 }),
    [50],
    'the batch by its name elsewhere',
  );
});

test('window: a name sets one dimension in all inputs; a number without a name is refused if two are open', async () => {
  const two = (a: Dims, b: Dims) =>
    writeModel({
      nodes: [convolution, { op: 'Conv', inputs: ['z', 'w'], outputs: ['k'] }],
      inputs: { x: a, z: b },
      outputs: ['h', 'k'],
      tensors: { w: ones(4, 3, 3) },
    });
  const same = two(['N', 3, 'time'], ['N', 3, 'time']);
  assert.equal(await frames(same, { window: 40 }), [40, 40]);
  assert.equal(await frames(same, { windows: { time: 40 } }), [40, 40]);
  const other = two(['N', 3, 'fast'], ['N', 3, 'slow']);
  const error = await errorOf(other, { window: 40 });
  assert.match(error.message, 'a number without a name sets only one dimension');
  assert.match(error.parts.tryThis as string, '--window fast=128,slow=128');
  assert.equal(await frames(other, { windows: { fast: 80, slow: 40 } }), [80, 40]);
  assert.match(
    (await errorOf(other, { windows: { fast: 80, slow: 40, fsat: 1 } })).message,
    'no dimension or input is named fsat',
  );
  assert.is((await errorOf(conv(['N', 3, '__proto__']), { windows: { x2: 3 } })).code, 'RN169');
});

test('window: names set two open dimensions of one input', async () => {
  const bytes = conv(['N', 'channels', 'time']);
  assert.match((await errorOf(bytes, { window: 50 })).message, '--window channels=128,time=128');
  assert.equal(await frames(bytes, { windows: { channels: 3, time: 50 } }), [50]);
});

test.run();
