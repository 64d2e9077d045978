/**
 * Operators of TensorFlow Lite files that no output needs. Keras' dropout leaves a counter of its random
 * numbers.
 *
 * In: a dense layer next to such a counter, and next to an unsupported operator.  Checked: the graph has only
 * the dense layer. If an output needs the others, the file is refused.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { refusalOf } from './refusal.ts';
import { writeTflite } from './tflite-model.ts';

const [dense, cumsum, add, handle, read, assign] = [9, 128, 0, 142, 143, 144];
const op = (code: number, inputs: string[], outputs: string[]) => ({ code, inputs, outputs });

const file = (outputs: string[], other: (typeof operators)[0][] = []): Uint8Array =>
  writeTflite({
    tensors: {
      x: { shape: [1, 4, 2] },
      w: { shape: [3, 2], floats: [1, 2, 3, 4, 5, 6] },
      y: { shape: [1, 4, 3] },
      two: { shape: [2], int64s: [1, 0] },
      seed: { shape: [], type: 13 },
      seedAgain: { shape: [], type: 13 },
      old: { shape: [2], type: 4 },
      next: { shape: [2], type: 4 },
      unread: { shape: [1, 4, 2] },
    },
    operators: [...operators, ...other],
    inputs: ['x'],
    outputs,
  });
const operators = [
  op(handle, [], ['seed']),
  op(read, ['seed'], ['old']),
  op(add, ['old', 'two'], ['next']),
  op(assign, ['seed', 'next'], []),
  op(cumsum, ['x'], ['unread']),
  { ...op(dense, ['x', 'w'], ['y']), options: { kind: 8, int8: { 2: 1 } } },
];

test('a counter and an unsupported operator that no output needs are dropped', () => {
  const graph = readTflite(file(['y']));
  assert.equal(graph.nodes.map((node) => node.op), ['conv']); // biome-ignore format: one line
  assert.not(graph.stateful);
  const y = runFloat(graph, [Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8])])[graph.outputs[0]?.tensor as number];
  assert.equal([...(y as Float32Array)].slice(0, 3), [5, 11, 17]);
});

test('an unsupported operator that an output needs is refused', async () => {
  const refused = async (outputs: string[], pattern: RegExp) => {
    const error = await refusalOf(() => readTflite(file(outputs)));
    assert.is(error.code, 'RN110');
    assert.match(error.message, pattern);
  };
  await refused(['y', 'unread'], /CUMSUM/);
  await refused(['y', 'old'], /READ_VARIABLE/);
});

test('the value assigned to a variable is needed if an output reads the variable, by any handle', async () => {
  const again = [op(handle, [], ['seedAgain']), op(read, ['seedAgain'], ['unread'])];
  const only = (which: number[]) => which.map((i) => operators[i] as (typeof operators)[0]);
  const both = writeTflite({
    tensors: {
      x: { shape: [1, 4, 2] },
      unread: { shape: [1, 4, 2] },
      sum: { shape: [1, 4, 2] },
      seed: { shape: [], type: 13 },
      seedAgain: { shape: [], type: 13 },
    },
    operators: [...again, ...only([0]), op(cumsum, ['x'], ['sum']), op(assign, ['seed', 'sum'], [])],
    inputs: ['x'],
    outputs: ['unread'],
  });
  assert.match((await refusalOf(() => readTflite(both))).message, /CUMSUM/);
});

test.run();
