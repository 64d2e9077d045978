/**
 * Sparse weights of TensorFlow Lite files, as pruning writes them.
 *
 * In: a dense layer whose weights [3, 4] are stored in several sparse formats, and damaged files of
 * TensorFlow's converter.  Checked: the dense weights are right; inconsistent files are refused.
 * tensorflow.test.ts compares these files with LiteRT.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { refusalOf } from './refusal.ts';
import { type TfTensorOf, writeTflite } from './tflite-model.ts';

const tall = 1 << 14;
type Sparse = NonNullable<TfTensorOf['sparse']>;

/** Returns a file that computes y = w x, where DENSIFY gives w. */
const file = (
  floats: number[],
  sparse: Sparse,
  { units = 3, to = [units, 4] }: { units?: number; to?: number[] } = {},
): Uint8Array =>
  writeTflite({
    tensors: {
      x: { shape: [1, 2, 4] },
      stored: { shape: [units, 4], floats, sparse },
      w: { shape: to },
      y: { shape: [1, 2, units] },
    },
    operators: [
      { code: 124, inputs: ['stored'], outputs: ['w'] },
      { code: 9, inputs: ['x', 'w'], outputs: ['y'], options: { kind: 8, int8: { 2: 1 } } },
    ],
    inputs: ['x'],
    outputs: ['y'],
  });

/** Returns the columns of the weights: the outputs of the layer for unit vectors. */
const weightsOf = (bytes: Uint8Array): number[][] => {
  const column = (i: number): number[] => {
    const graph = readTflite(bytes);
    const x = Float32Array.from({ length: 8 }, (_, at) => Number(at === i));
    return Array.from(runFloat(graph, [x])[graph.outputs[0]?.tensor as number] as Float32Array).slice(0, 3);
  };
  return [0, 1, 2, 3].map(column);
};

const byRow = { order: [0, 1], levels: [3, { segments: [0, 1, 1, 3], indices: [2, 0, 3] }] };
const byColumn = {
  order: [1, 0],
  levels: [
    { segments: [0, 2], indices: [1, 3] },
    { segments: [0, 1, 3], indices: [2, 0, 1] },
  ],
};
const pairs = { order: [0, 1, 2], blocks: [1], levels: [3, { segments: [0, 1, 1, 2], indices: [1, 0] }, 2] };

test('weights are read by rows, by columns, and in blocks of two inputs', () => {
  assert.equal(weightsOf(file([5, 6, 7], byRow)), [[0, 0, 6], [0, 0, 0], [5, 0, 0], [0, 0, 7]]); // biome-ignore format: one line
  assert.equal(weightsOf(file([5, 6, 7], byColumn)), [[0, 0, 0], [0, 0, 5], [0, 0, 0], [6, 7, 0]]); // biome-ignore format: one line
  assert.equal(weightsOf(file([5, 6, 7, 8], pairs)), [[0, 0, 7], [0, 0, 8], [5, 0, 0], [6, 0, 0]]); // biome-ignore format: one line
});

test('inconsistent sparse weights are refused', async () => {
  const code = async (sparse: Sparse, floats = [5, 6, 7], more = {}) =>
    (await refusalOf(() => readTflite(file(floats, sparse, more)))).code;
  const listing = (segments: number[], indices: number[]) => ({ order: [0, 1], levels: [3, { segments, indices }] });
  assert.is(await code(listing([0, 1, 1, 3], [2, 0, 4])), 'RN103', 'an index past the last column');
  assert.is(await code(listing([0, 1, 1, 3], [2, 0, -1])), 'RN103', 'an index below 0');
  assert.is(await code(listing([0, 1, 3], [2, 0, 3])), 'RN103', 'a row without a segment');
  assert.is(await code(listing([0, 2, 1, 3], [2, 0, 3])), 'RN103', 'a segment that ends before it begins');
  assert.is(await code(listing([0, 1, 1, 2], [2, 0, 3])), 'RN103', 'an index in no segment');
  assert.is(await code(byRow, [5, 6]), 'RN103', 'a missing value');
  assert.is(await code({ ...byRow, order: [0, 0] }), 'RN103', 'an order that leaves out a dimension');
  assert.is(await code({ ...byRow, levels: [3] }), 'RN103', 'a missing level');
  assert.is(await code({ order: [0, 1], levels: [4, 4] }), 'RN103', 'an extra row');
  assert.is(await code({ ...pairs, levels: pairs.levels.with(2, 3) }, [5, 6, 7, 8]), 'RN103', 'blocks of three in four');
  assert.is(await code({ ...pairs, blocks: [2] }), 'RN103', 'blocks without a dimension');
  assert.is(await code(byRow, undefined, { to: [4, 3] }), 'RN103', 'DENSIFY into another shape');
  const empty = {
    order: [1, 0],
    levels: [
      { segments: [0, 1], indices: [0] },
      { segments: [0, 1], indices: [0] },
    ],
  };
  assert.is(await code(empty, [1], { units: tall }), 'RN102', 'a small file with a large tensor');
  assert.is(await code({ order: [0, 1], levels: [tall, 4] }, [1], { units: tall }), 'RN103', 'more values than bytes');
});

test('files of the converter with a wrong byte are read or refused', () => {
  for (const name of ['sparse', 'sparse-blocks']) {
    const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/tensorflow', `${name}.tflite`)));
    for (let at = 0; at < bytes.length; at++)
      for (const flip of [1, 0x80, 0xff]) {
        const damaged = bytes.with(at, (bytes[at] as number) ^ flip);
        try {
          readTflite(damaged);
        } catch (error) {
          assert.ok(isRunletError(error), `${name}, byte ${at}: ${error}`);
        }
      }
  }
});

test.run();
