/**
 * Constants after the end of the FlatBuffer in a TensorFlow Lite file: they are read like constants inside
 * it, and never past the file's end.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { type TfModelOf, writeTflite, writeTfliteBehind } from './tflite-model.ts';

const model: TfModelOf = {
  tensors: {
    x: { shape: [1, 4] },
    w: { shape: [3, 4], floats: Array.from({ length: 12 }, (_, i) => i / 4 - 1) },
    b: { shape: [3], floats: [1, 2, 3] },
    y: { shape: [1, 3] },
  },
  operators: [{ code: 9, inputs: ['x', 'w', 'b'], outputs: ['y'], options: { kind: 8 } }],
  inputs: ['x'],
  outputs: ['y'],
};
const refusal = (bytes: Uint8Array) => {
  try {
    readTflite(bytes);
  } catch (error) {
    if (isRunletError(error)) return error;
    throw error;
  }
  throw new Error('it is read');
};

test('constants after the FlatBuffer give the same graph as constants inside it', () => {
  assert.equal(readTflite(writeTfliteBehind(model)), readTflite(writeTflite(model)));
});

test('a file that is part of a larger buffer is read', () => {
  const bytes = writeTfliteBehind(model);
  const larger = new Uint8Array(bytes.length + 96);
  larger.set(bytes, 32);
  assert.equal(readTflite(larger.subarray(32, 32 + bytes.length)), readTflite(writeTflite(model)));
});

test('the error for a truncated file names the buffer and the length of the file', () => {
  const bytes = writeTfliteBehind(model);
  const cut = refusal(bytes.subarray(0, bytes.length - 1));
  assert.is(cut.code, 'RN101');
  assert.match(cut.message, /buffer 2 needs 12 bytes and the file has/);
});

test('any invalid position or size gives a RunletError', () => {
  const bytes = writeTfliteBehind(model);
  const view = new DataView(bytes.buffer);
  const sizes = [12n, 48n];
  const places = Array.from({ length: bytes.length - 8 }, (_, at) => at).filter((at) =>
    sizes.includes(view.getBigUint64(at, true)),
  );
  assert.is.not(places.length, 0);
  for (const at of places)
    for (const value of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n + 1n, BigInt(bytes.length), 7n]) {
      const damaged = bytes.slice();
      new DataView(damaged.buffer).setBigUint64(at, value, true);
      const { code } = refusal(damaged);
      assert.ok(code === 'RN101' || code === 'RN104', `${code} for ${value} at byte ${at}`);
    }
});

test.run();
