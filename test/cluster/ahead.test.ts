/**
 * Reading ahead: items keep their order, each is seen when it arrives, and an error comes after the items
 * before it. An answer is asked for once, until it is forgotten or was an error.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Answers, ahead } from '../../host/gateway/cluster/ahead.ts';
import { until } from '../host/helpers.ts';

async function* numbers(n: number, error?: Error): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) {
    await pause(0);
    yield i;
  }
  if (error) throw error;
}

test('items arrive in order; as many as asked for are seen before the first is done', async () => {
  const seen: number[] = [];
  const got: number[] = [];
  for await (const one of ahead(numbers(20), 5, (item) => seen.push(item))) {
    got.push(one);
    // the one at hand, and five behind it
    const want = Math.min(20, one + 6);
    await until(() => seen.length >= want);
    await pause(2);
    assert.is(seen.length, want);
  }
  assert.equal(
    got,
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.equal(seen, got);
});

test('an error of the source comes after the items before it', async () => {
  const got: number[] = [];
  const read = async () => {
    for await (const one of ahead(numbers(3, new Error('away')), 8, () => {})) got.push(one);
  };
  let text = '';
  await read().catch((error: Error) => (text = error.message));
  assert.is(text, 'away');
  assert.equal(got, [0, 1, 2]);
});

test('who stops reading ends the source, and hears of no later error', async () => {
  let ends = 0;
  const close = async (n: number) => {
    ends++;
    await pause(1);
    if (n > 3) throw new Error('it does not close');
  };
  async function* source(n: number): AsyncGenerator<number> {
    try {
      yield* numbers(n);
      await pause(20);
      throw new Error('nobody reads any more');
    } finally {
      await close(n);
    }
  }
  // one waits for its next item, the other for its reader
  for (const n of [3, 100]) for await (const one of ahead(source(n), 8, () => {})) if (one === 1) break;
  await until(() => ends === 2);
  assert.is(ends, 2);
  // the errors come later
  await pause(60);
});

test('an answer is asked for once, until it is forgotten; an error is not kept', async () => {
  let asked = 0;
  const answers = new Answers(async (name) => {
    asked++;
    if (asked === 1) throw new Error('no answer');
    return `${name}${asked}`;
  });
  assert.is(await answers.get('a').catch(() => 'none'), 'none');
  assert.equal(await Promise.all([answers.get('a'), answers.get('a')]), ['a2', 'a2']);
  assert.is(await answers.get('b'), 'b3');
  answers.forget('a');
  assert.is(await answers.get('a'), 'a4');
  assert.is(await answers.get('b'), 'b3');
});

test.run();
