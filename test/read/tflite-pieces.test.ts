/**
 * Selections between two branches by the sign of a value, in TensorFlow Lite files.
 *
 * In: x > 0 ? 2 x : k (exp(x) + c), and the same with one part changed.  Checked: a selection that computes
 * an ELU becomes one; others are refused. tensorflow.test.ts compares them with LiteRT.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTflite } from '../../models/read/tflite/index.ts';
import { refusalOf } from './refusal.ts';
import { writeTflite } from './tflite-model.ts';

const [add, conv, mul, exp, greater, select] = [0, 3, 18, 47, 61, 123];
const shape = [1, 8, 1, 2];
const one = (...floats: number[]) => ({ shape: floats.length > 1 ? [floats.length] : [], floats });
const right = { zero: 0, offset: -1, compared: 'x', fused: 0, base: 'x' };

function file(change: Partial<typeof right> = {}): Uint8Array {
  const { zero, offset, compared, fused, base } = { ...right, ...change };
  const op = (code: number, inputs: string, output: string) => ({ code, inputs: inputs.split(' '), outputs: [output] });
  const tensors = Object.fromEntries(
    ['in', 'x', 'other', 'twice', 'power', 'less', 'below', 'y'].map((name) => [name, { shape }]),
  );
  return writeTflite({
    tensors: {
      ...tensors,
      w: { shape: [2, 1, 1, 2], floats: [1, 2, 3, 4] },
      b: one(0, 0),
      is: { shape, type: 6 },
      zero: one(zero),
      two: one(2),
      k: one(0.5),
      c: one(offset),
    },
    operators: [
      { ...op(conv, 'in w b', 'x'), options: { kind: 1, int32: { 1: 1, 2: 1 } } },
      op(mul, 'x x', 'other'),
      op(greater, `${compared} zero`, 'is'),
      { ...op(mul, 'x two', 'twice'), options: { kind: 21, int8: { 0: fused } } },
      op(exp, base, 'power'),
      op(add, 'c power', 'less'),
      op(mul, 'k less', 'below'),
      op(select, 'is twice below', 'y'),
    ],
    inputs: ['in'],
    outputs: ['y'],
  });
}

test('a selection becomes an ELU with another slope above zero', () => {
  const attrs = readTflite(file()).nodes.map((node) => [node.op, 'alpha' in node.attrs ? node.attrs.alpha : undefined]);
  assert.equal(attrs, [['conv', undefined], ['activation', 0.25], ['mul', undefined]]); // biome-ignore format: one line
});

test('other selections are refused', async () => {
  const cases: Partial<typeof right>[] = [{ zero: 1 }, { offset: -0.9 }, { compared: 'other' }, { fused: 1 }, { base: 'other' }];
  for (const change of cases) {
    const { code, message } = await refusalOf(() => readTflite(file(change)));
    assert.is(code, 'RN110', JSON.stringify(change));
    assert.match(message, /GREATER/, JSON.stringify(change));
  }
});

test.run();
