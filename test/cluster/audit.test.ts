/** The audit of a cluster's outputs finds what is lost, repeated, different, or out of order. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { OutputMessage } from '../../host/gateway/streams/wire.ts';
import { differenceOf, signalOf } from '../../scripts/cluster/audit.ts';

const want = [0, 1, 2, 3].map((n) => Float32Array.of(n, -n));
const stored = (...sequences: number[]) =>
  sequences.map((sequence) => ({ sequence, values: want[sequence % 4]?.slice() }) as OutputMessage);
const found = (all: OutputMessage[]) => {
  const { lost, repeated, different, first } = differenceOf('s', want, all) ?? {};
  return { lost, repeated, different, first };
};

test('right outputs have no difference, and later ones are not compared', () => {
  assert.is(differenceOf('s', want, stored(0, 1, 2, 3)), undefined);
  assert.is(differenceOf('s', want, stored(0, 1, 2, 3, 5)), undefined);
});

test('each fault is counted as what it is', () => {
  assert.equal(found(stored(0, 1, 3)), { lost: 1, repeated: 0, different: 0, first: 2 });
  assert.equal(found(stored(0, 1, 2)), { lost: 1, repeated: 0, different: 0, first: 3 });
  assert.equal(found(stored(0, 1, 2, 3, 3)), { lost: 0, repeated: 1, different: 0, first: -1 });
  assert.equal(found(stored(0, 2, 1, 3)), { lost: 0, repeated: 0, different: 0, first: 1 });
  assert.equal(found([]), { lost: 4, repeated: 0, different: 0, first: 0 });
  const wrong = stored(0, 1, 2, 3);
  (wrong[1] as OutputMessage).values[1] = 0.999_999_9;
  assert.equal(found(wrong), { lost: 0, repeated: 0, different: 1, first: 1 });
});

test('a negative zero is another value', () => {
  const wrong = stored(0, 1, 2, 3);
  assert.is(wrong[0]?.values[1], -0);
  (wrong[0] as OutputMessage).values[1] = 0;
  assert.is(found(wrong).different, 1);
});

test('messages of frames are joined, and a gap between them is an error', () => {
  const message = (from: number, ...values: number[]) => ({ from, bytes: new Uint8Array(Float32Array.from(values).buffer) });
  assert.equal(signalOf('s', [message(0, 1, 2), message(1, 3, 4, 5, 6)], 2), Float32Array.of(1, 2, 3, 4, 5, 6));
  assert.throws(() => signalOf('s', [message(0, 1, 2), message(2, 3, 4)], 2), /frames of s from 1 on/);
});

test.run();
