/**
 * TensorFlow Lite files with a batch of several signals.
 *
 * In: files of one or two operators over x [2, 4, 3].  Checked: one signal is read, with a note in the graph;
 * operators that combine signals are refused by name. tensorflow.test.ts compares networks with a batch with
 * LiteRT.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { refusalOf } from './refusal.ts';
import { type TfModelOf, type TfOperatorOf, writeTflite } from './tflite-model.ts';

const shape = [2, 4, 3];
const op = (code: number, from: string, to: string, options?: TfOperatorOf['options']): TfOperatorOf => ({
  ...{ code, inputs: from.split(' '), outputs: to.split(' ') },
  ...(options && { options }),
});
const ints = (...values: number[]) => ({ shape: [values.length], ints: values });
const [add, concatenation, reshape, softmax, transpose, mean, strided] = [0, 2, 22, 25, 39, 40, 45];

const file = (operators: TfOperatorOf[], tensors: TfModelOf['tensors']): Uint8Array =>
  writeTflite({ tensors: { x: { shape }, y: { shape }, ...tensors }, operators, inputs: ['x'], outputs: ['y'] });

/** Returns a file that adds a constant of this shape. */
const adding = (own: number[], floats: number[]): Uint8Array =>
  file([op(add, 'x k', 'y', { kind: 11 })], { k: { shape: own, floats } });

test('constants that are equal for both signals are read once', () => {
  const row = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  for (const [own, floats] of [
    [
      [2, 4, 3],
      [...row, ...row],
    ],
    [
      [2, 1, 1],
      [5, 5],
    ],
    [[4, 3], row],
    [[1], [3]],
  ] as const) {
    const graph = readTflite(adding([...own], [...floats]), { timeAxis: 1 });
    const wanted = row.map((_, i) => floats[i % (floats.length > 11 ? 12 : 1)]);
    assert.equal(Array.from(runFloat(graph, [new Float32Array(12)])[graph.outputs[0]?.tensor as number] ?? []), wanted);
    assert.ok(graph.notes.includes('the file computes 2 signals at a time; one is read'));
    assert.equal(graph.inputs[0]?.fileShape, [1, 4, 3]);
    assert.equal(graph.outputs[0]?.fileShape, [1, 4, 3]);
  }
});

test('operators that combine signals are refused', async () => {
  const t = { shape: [3, 4, 2] };
  const turned = (...more: TfOperatorOf[]) => [op(transpose, 'x back', 't'), ...more];
  const back = { back: ints(2, 1, 0), t, u: t };
  const cases: [string, Uint8Array, RegExp][] = [
    ['other constants', adding([2, 1, 1], [5, 6]), /ADD#0/],
    ['a mean of signals', file([op(mean, 'x axis', 'y', { kind: 27, int8: { 0: 1 } })], { axis: ints(0), y: { shape: [1, 4, 3] } }), /MEAN#0/],
    ['a softmax of signals', file(turned(op(softmax, 't', 'u', { kind: 9, float32: { 0: 1 } }), op(transpose, 'u back', 'y')), back), /SOFTMAX#1/],
    ['two batches concatenated', file([op(concatenation, 'x x', 'y', { kind: 10, int32: { 0: 0 } })], { y: { shape: [4, 4, 3] } }), /CONCATENATION#0/],
    ['the second signal', file([op(strided, 'x b e s', 'y', { kind: 32 })], { b: ints(1, 0, 0), e: ints(2, 4, 3), s: ints(1, 1, 1), y: { shape: [1, 4, 3] } }), /STRIDED_SLICE#0/],
    ['halves of signals', file(turned(op(reshape, 't n', 'y')), { ...back, n: ints(2, 3, 4), y: { shape: [2, 3, 4] } }), /RESHAPE#1/],
  ]; // biome-ignore format: a table
  for (const [name, bytes, pattern] of cases) {
    const { code, parts } = await refusalOf(() => readTflite(bytes));
    assert.is(code, 'RN103', name);
    assert.is(parts.what, 'the batch is 2', name);
    assert.match(parts.why as string, pattern, name);
  }
});

test('inputs with different batches are refused', async () => {
  const two = writeTflite({
    tensors: { x: { shape }, z: { shape: [1, 4, 3] }, y: { shape } },
    operators: [op(add, 'x z', 'y', { kind: 11 })],
    inputs: ['x', 'z'],
    outputs: ['y'],
  });
  assert.is((await refusalOf(() => readTflite(two))).code, 'RN103');
});

test.run();
