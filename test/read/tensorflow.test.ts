/**
 * Rare operators of TensorFlow Lite, in small networks of TensorFlow's converter (test/fixtures/tensorflow).
 * Float files agree with LiteRT's reference kernels, and int8 files give the same bytes. The streamed
 * integers equal the windowed model.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTflite } from '../../models/read/tflite/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runWindow } from '../../quant/reference.ts';
import { checkStreamed } from './against-oracle.ts';
import { normalForm, ownOutputs, relativeError } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';
import { toGraph } from './tflite-helpers.ts';
import { type TfModelOf, writeTflite } from './tflite-model.ts';

const folder = join(import.meta.dirname, '../fixtures/tensorflow');
type Answers = Record<string, { input: number[]; output: number[] }>;
const answers: Answers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'));
/** Largest error, relative to the largest output. The recorded outputs have six decimal places. */
const tolerance = 1e-5;

for (const [name, { input, output }] of Object.entries(answers))
  test(name, async () => {
    const graph = readTflite(readFileSync(join(folder, `${name}.tflite`)), { timeAxis: 1 });
    const [from, to] = [graph.inputs[0], graph.outputs[0]];
    if (!from || !to) throw new Error('incomplete');
    const x = toGraph(graph, from, input);
    const wanted = normalForm(graph, to, Float32Array.from(output));
    if (from.hostType === 'int8') {
      const quant = quantPlan(planStream(graph, { hop: 1, mode: 'windowed' }));
      assert.equal(Array.from(runWindow(quant, [Int8Array.from(x)]).outputs[0] as Int8Array), Array.from(wanted));
      return;
    }
    const error = relativeError(ownOutputs(graph, [x])[0] as Float32Array, wanted);
    assert.ok(error < tolerance, `${error}`);
    await checkStreamed(graph);
  });

test('rows that are repeated next to themselves remain rows and can stream', () => {
  const { nodes } = readTflite(readFileSync(join(folder, 'tile-rows.tflite')), { timeAxis: 1 });
  assert.not.ok(nodes.some(({ op }) => op === 'permute'));
});

test('a network that is applied to each frame becomes one over all frames, in either form', () => {
  const ops = (name: string) => readTflite(readFileSync(join(folder, `${name}.tflite`))).nodes.map(({ op }) => op);
  assert.equal(ops('frame-by-frame'), ops('frames-as-batch'));
});

/** Returns the error for a file of one operator over x [1, 4, 5, 2]. */
const refused = (operator: TfModelOf['operators'][number], tensors: TfModelOf['tensors'], type?: 'int8') => {
  const quant = { scales: [0.5], zeroPoints: [0] };
  const tensor = (shape: number[]) => (type ? { shape, type: 9, quant } : { shape });
  const shapes = { x: tensor([1, 4, 5, 2]), y: tensor([1, 8, 5, 2]) };
  const file = { tensors: { ...shapes, ...tensors }, operators: [operator], inputs: ['x'], outputs: ['y'] };
  return refusalOf(() => readTflite(writeTflite(file), { timeAxis: 1 }));
};
const op = (code: number, kind: number, int8: Record<number, number> = {}) => ({
  ...{ code, inputs: ['x', 'k'], outputs: ['y'] },
  options: { kind, int8 },
});
const sizes = (...ints: number[]) => ({ k: { shape: [ints.length], ints } });

test('unsupported forms of these operators are refused with the reason', async () => {
  const [nearest, bilinear] = [op(97, 74, { 0: 1 }), op(23, 15, { 2: 1 })];
  assert.match((await refused(nearest, sizes(12, 5))).message, /12 rows of 4, with aligned corners/);
  assert.match((await refused(bilinear, sizes(12, 5), 'int8')).message, /12 rows of 4, with aligned corners/);
  assert.match((await refused(op(97, 74), sizes(6, 5))).message, /it makes 6 rows of 4/);
  assert.match((await refused(op(23, 15), sizes(8, 5), 'int8')).message, /interpolation has another int8 kernel/);
  assert.match((await refused(op(69, 0), sizes(1, 2, 1, 1))).message, /it repeats dimension 1 of .*, of length 4;/);
  assert.match((await refused(op(69, 0), sizes(1, 2, 1))).message, /RN106.*does not fit/);
  assert.match((await refused(op(100, 77), sizes(0, 0, 0, 0, 2, 2, 0, 0))).message, /it mirrors dimensions 2/);
  assert.match((await refused({ ...op(42, 29), inputs: ['x', 'x'] }, {}, 'int8')).message, /a quotient has no int8 kernel/);
  assert.match((await refused(op(42, 29), { k: { shape: [2], floats: [1, 0] } })).message, /it divides by zero/);
});

test.run();
