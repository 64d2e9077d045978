/**
 * ArgMax at the end of a classifier, in ONNX and TensorFlow Lite: the index of the class, against onnxruntime
 * and as a module; what the labels of such a model mean.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { manifestFields, withSettings } from '../../host/model-fields.ts';
import { openSession, requireSelfTest } from '../../host/session/index.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type NodeOf, writeModel } from '../../models/write/onnx/proto.ts';
import { classNames, readLabels, tellsClasses } from '../../quant/evaluate/labels.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runFloat } from '../graph/run-float.ts';
import { checkStreamed } from './against-oracle.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, seededNormal } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';
import { node, weightsOf } from './step-models.ts';
import { writeTflite } from './tflite-model.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

const floats = weightsOf(7);
/** 4 channels of each frame of x [1, 2, 9], of all frames where `mean` is set. */
const network = (nodes: NodeOf[], mean = true): Uint8Array =>
  writeModel({
    nodes: [
      node('Conv', 'x k', 'a', { pads: [1, 1] }),
      ...(mean ? [node('ReduceMean', 'a', 's', { axes: [2], keepdims: 0 })] : []),
      ...nodes,
    ],
    inputs: { x: [1, 2, 9] },
    outputs: ['y'],
    tensors: { k: floats(4, 2, 3), zero: { dims: [1], floats: [0] } },
    opset: 17,
  });

const models: Record<string, Uint8Array> = {
  'scores of the window': network([node('ArgMax', 's', 'y', { axis: 1, keepdims: 0 })]),
  'a softmax before it, dimensions kept': network([
    node('Softmax', 's', 'p', { axis: 1 }),
    node('ArgMax', 'p', 'y', { axis: -1 }),
  ]),
  'of each frame': network([node('ArgMax', 'a', 'y', { axis: 1 })], false),
  'of each frame, dropped': network([node('ArgMax', 'a', 'y', { axis: 1, keepdims: 0 })], false),
  'as float': network([node('ArgMax', 's', 'i', { axis: 1 }), node('Cast', 'i', 'y', { to: 1 })]),
  'all scores equal: the first': network([node('Mul', 's zero', 'e'), node('ArgMax', 'e', 'y', { axis: 1 })]),
  'all scores equal: the last': network([
    node('Mul', 's zero', 'e'),
    node('ArgMax', 'e', 'y', { axis: 1, select_last_index: 1 }),
  ]),
};

for (const [name, bytes] of Object.entries(models))
  test(`ONNX, ${name}`, async () => {
    const graph = readOnnx(bytes);
    for (let seed = 1; runtime && seed <= 10; seed++) {
      const inputs = randomInputs(graph, seed);
      assert.equal(ownOutputs(graph, inputs), await oracle(runtime, bytes, graph, inputs));
    }
    await checkStreamed(graph);
  });

test('an index along time, or of more classes than int8 holds, is refused', async () => {
  const along = network([node('ArgMax', 'a', 'y', { axis: 2 })], false);
  assert.match((await refusalOf(() => readOnnx(along))).message, /RN150.*ArgMax.*only channels are supported/);
  const many = writeModel({
    nodes: [node('MatMul', 'x w', 'a'), node('ArgMax', 'a', 'y', { axis: -1 })],
    inputs: { x: [1, 3, 2] },
    outputs: ['y'],
    tensors: { w: floats(2, 257) },
    opset: 17,
  });
  assert.match((await refusalOf(() => readOnnx(many))).message, /RN150.*ArgMax.*257 classes.*256 indexes/);
});

/** FULLY_CONNECTED of 3 outputs with unit weights, and ARG_MAX. */
const tflite = (axis: number): Graph =>
  readTflite(
    writeTflite({
      operators: [
        { code: 9, inputs: ['x', 'w', 'b'], outputs: ['s'], options: { kind: 8 } },
        { code: 56, inputs: ['s', 'axis'], outputs: ['y'] },
      ],
      inputs: ['x'],
      outputs: ['y'],
      tensors: {
        x: { shape: [1, 3] },
        w: { shape: [3, 3], floats: [1, 0, 0, 0, 1, 0, 0, 0, 1] },
        b: { shape: [3], floats: [0, 0, 0] },
        s: { shape: [1, 3] },
        axis: { shape: [], ints: [axis] },
        y: { shape: [1], type: 4 },
      },
    }),
  );

test('TensorFlow Lite: the first of the largest values; its int64 output is a real number', async () => {
  for (const axis of [1, -1]) {
    const graph = tflite(axis);
    const answer = (...x: number[]) => [...(runFloat(graph, [Float32Array.from(x)])[graph.outputs[0]?.tensor ?? -1] ?? [])];
    assert.equal([answer(3, 1, 2), answer(-3, -1, -2), answer(0, 5, 5)], [[0], [1], [1]]);
  }
  assert.match((await refusalOf(() => tflite(0))).message, /RN110.*ARG_MAX.*not over the channels/);
});

test('a model that ends in an index is a classifier: its labels, its truth and the result of a session', async () => {
  const names = ['still', 'walk', 'run', 'fall'];
  const graph = withSettings(readOnnx(models['scores of the window'] as Uint8Array), { labels: names });
  assert.equal([classNames(graph), tellsClasses(graph)], [names, true]);
  assert.equal(readLabels(['run', 0, null], graph).values, [2, 0, null]);
  assert.equal(readLabels([3, 1], graph).kind, 'classes');
  assert.match((await refusalOf(() => withSettings(graph, { labels: ['a', 'b', 'c'] }))).message, /RN755/);

  const signal = Float32Array.from({ length: 200 }, seededNormal(3));
  const int8 = quantize(graph, [signal], { hop: 3, preset: 'fast', noReport: true }).graph;
  const { wasm } = await build(quantPlan(planStream(int8, { hop: 3 })), { target: 'interp', ...manifestFields(int8) });
  const session = await openSession(wasm as BufferSource);
  await requireSelfTest(session);
  const seen = new Set<number>();
  session.pushAll(signal, () => {
    const [index = -1] = session.output();
    assert.equal(session.result(), { label: names[index], score: 1, index });
    seen.add(index);
  });
  assert.ok(seen.size > 1, 'one class alone shows nothing');
});

test.run();
