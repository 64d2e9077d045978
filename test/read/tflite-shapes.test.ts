/**
 * Shape arithmetic in TensorFlow Lite files: converters write a flatten with 0 for a dimension that is kept.
 *
 * In: files whose RESHAPE takes a computed shape.  Checked: the graph computes the sums of the window, or the
 * file is refused.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { refusalOf } from './refusal.ts';
import { type TfModelOf, writeTflite } from './tflite-model.ts';

const op = (code: number, inputs: string[], output: string, int32?: Record<number, number>) => ({
  code,
  inputs,
  outputs: [output],
  ...(int32 && { options: { kind: code === 36 ? 23 : 10, int32 } }),
});
const ints = (...values: number[]) => ({ shape: values.length > 1 ? [values.length] : [1], ints: values });
const empty = { shape: [1], type: 2 };
const bool = { shape: [1], type: 6 };

/** Returns a file that reshapes x [1, 4, 2] to [1, 0, -1] (0: the dimension of x) and computes two sums. */
function file(change: Partial<TfModelOf['tensors']> = {}, codes: { equal?: number } = {}): Uint8Array {
  return writeTflite({
    tensors: {
      x: { shape: [1, 4, 2] },
      zero: ints(0),
      one: ints(1),
      target: ints(1, 0, -1),
      length: ints(3),
      w: { shape: [2, 8], floats: Array.from({ length: 16 }, (_, i) => i - 5) },
      ...Object.fromEntries(['dims', 'kept', 'dense', 'sum', 'wanted', 'flat'].map((name) => [name, empty])),
      isZero: bool,
      where: { shape: [1, 1], type: 2 },
      rows: { shape: [1, 4, 2] },
      y: { shape: [1, 2] },
      ...change,
    } as TfModelOf['tensors'],
    operators: [
      op(77, ['x'], 'dims'),
      op(codes.equal ?? 71, ['target', 'zero'], 'isZero'),
      op(109, ['isZero'], 'where'),
      op(22, ['where', 'one'], 'flat'),
      op(36, ['dims', 'flat'], 'kept', { 0: 0 }),
      op(68, ['where', 'length', 'kept', 'zero'], 'dense'),
      op(0, ['target', 'dense'], 'sum'),
      op(53, ['sum'], 'wanted'),
      op(22, ['x', 'wanted'], 'rows'),
      { code: 9, inputs: ['rows', 'w'], outputs: ['y'], options: { kind: 8 } },
    ],
    inputs: ['x'],
    outputs: ['y'],
  });
}

test('a shape with kept dimensions is computed: EQUAL, WHERE, GATHER, SPARSE_TO_DENSE, ADD, CAST', () => {
  const graph = readTflite(file());
  const x = Float32Array.from({ length: 8 }, (_, i) => 2 ** i);
  const y = runFloat(graph, [x])[graph.outputs[0]?.tensor as number] as Float32Array;
  assert.equal(
    [...y],
    [0, 1].map((u) => x.reduce((s, v, i) => s + v * (u * 8 + i - 5), 0)),
  );
});

test('indices outside a vector, lengths that do not match and operators that are not evaluated are refused', async () => {
  assert.is(
    (await refusalOf(() => readTflite(file({ length: ints(0) })))).code,
    'RN106',
    'a vector that is too short for its indices',
  );
  assert.is((await refusalOf(() => readTflite(file({ zero: ints(0, 0) })))).code, 'RN106', 'lengths of two and three');
  assert.is((await refusalOf(() => readTflite(file({ length: ints(1 << 30) })))).code, 'RN110', 'a vector of a billion');
  assert.is((await refusalOf(() => readTflite(file({}, { equal: 72 })))).code, 'RN110', 'NOT_EQUAL');
});

/** Returns a file that reshapes x [1, 4, 2] to `size` elements of its int64 shape from `begin`, and -1. */
const behindSlice = (begin: number, size: number, parts = 'part rest'): Uint8Array =>
  writeTflite({
    tensors: {
      x: { shape: [1, 4, 2] },
      begin: ints(begin),
      size: ints(size),
      rest: { shape: [1], int64s: [-1] },
      dims: { shape: [3], type: 4 },
      part: { shape: [2], type: 4 },
      long: { shape: [3], type: 4 },
      wanted: { shape: [3], type: 2 },
      flat: { shape: [1, 4, 2], signature: [-1, -1, -1] },
      w: { shape: [1, 2], floats: [1, 10] },
      y: { shape: [1, 4, 1], signature: [-1, -1, -1] },
    },
    operators: [
      op(77, ['x'], 'dims'),
      op(65, ['dims', 'begin', 'size'], 'part'),
      op(2, parts.split(' '), 'long', { 0: 0 }),
      op(53, ['long'], 'wanted'),
      op(22, ['x', 'wanted'], 'flat'),
      { code: 9, inputs: ['flat', 'w'], outputs: ['y'], options: { kind: 8, int8: { 2: 1 } } },
    ],
    inputs: ['x'],
    outputs: ['y'],
  });

test('SLICE takes a part of an int64 shape, also the rest of it', async () => {
  const sums = (bytes: Uint8Array) => {
    const graph = readTflite(bytes);
    const y = runFloat(graph, [Float32Array.from({ length: 8 }, (_, i) => i)]);
    return Array.from(y[graph.outputs[0]?.tensor as number] as Float32Array);
  };
  assert.equal(sums(behindSlice(0, 2)), [10, 32, 54, 76]);
  assert.equal(sums(behindSlice(1, -1, 'rest part')), [10, 32, 54, 76]);
  for (const [begin, size] of [[1, 3], [4, -1], [-1, 1], [0, -2]] as const) // biome-ignore format: one line
    assert.is((await refusalOf(() => readTflite(behindSlice(begin, size)))).code, 'RN106', `${begin} ${size}`);
});

test.run();
