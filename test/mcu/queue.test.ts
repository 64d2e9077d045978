/**
 * The queue between an interrupt or task and inference, with two threads: all lost frames are counted.
 *
 * 10^6 frames each (RUNLET_QUEUE_FRAMES); `npm run soak -- mcu` has more. Address, undefined-behaviour and
 * thread sanitizers.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answer, build, type Sanitizer } from './tools.ts';

const compiles = spawnSync('gcc', ['--version']).error === undefined;
if (!compiles) console.log('skipped: no gcc: the package gcc');
const only = compiles ? test : test.skip;
const frames = Number(process.env.RUNLET_QUEUE_FRAMES ?? 1_000_000);
const seed = Number(process.env.RUNLET_SEED ?? 1);

interface Counted {
  offered: number;
  stored: number;
  taken: number;
  lost: number;
  lostInAll: number;
  waiting: number;
  most: number;
  wrong: number;
  missed: number;
  discarded: number;
  gaps: number;
}

/** Start of counters that wrap around during the test. */
const nearWrap = 2 ** 32 - 1000;

/** Checks whether a sanitizer works here. The thread sanitizer needs its library and shadow memory. */
const runs = (sanitizer: Sanitizer): boolean => {
  try {
    answer(build('queue.c', { sanitizer }, false), 1, 1, 1, 1, 0, 0);
    return true;
  } catch (error) {
    const why = String((error as Error).message);
    if (!/libtsan|unexpected memory mapping/.test(why)) throw error;
    console.log(`  without the thread sanitizer: ${why.trim().split('\n')[0]}`);
    return false;
  }
};

for (const sanitizer of ['address', 'thread', 'none'] as Sanitizer[])
  only(`offered = taken + discarded + lost, in order, whole, none from both sides of a gap (${sanitizer})`, () => {
    if (!runs(sanitizer)) return;
    let lost = 0;
    let discarded = 0;
    for (const [capacity, burst, take, start, miss] of [
      [1, 1, 1, 0, 0],
      [2, 5, 2, nearWrap, 0],
      [64, 16, 20, nearWrap, 0],
      [64, 200, 64, 0, 0],
      [4096, 7, 200, nearWrap, 0],
      [64, 5, 20, nearWrap, 7],
      [4096, 40, 256, 0, 200],
    ] as const) {
      const r = answer<Counted>(build('queue.c', { sanitizer }, false), frames, capacity, burst, take, start, miss);
      const text = JSON.stringify(r);
      assert.is(r.wrong, 0, text);
      assert.ok(r.offered >= frames, text);
      assert.is(r.taken + r.discarded, r.stored, text);
      assert.is(r.waiting, 0, text);
      assert.is(r.taken + r.discarded + r.lost, r.offered, text);
      assert.is(r.lostInAll, r.lost, text);
      assert.ok(r.most >= 1 && r.most <= capacity, text);
      if (r.lost > r.missed) assert.is(r.most, capacity, 'a frame is lost where the queue is full');
      if (miss) assert.ok(r.missed > 0 && r.gaps > 0 && r.taken > 0, text);
      lost += r.lost - r.missed;
      discarded += r.discarded;
    }
    assert.ok(lost > 0, 'no frame was ever lost, so nothing was tested');
    assert.ok(discarded > 0, 'no frame was ever discarded, so nothing was tested');
  });

only('no frame is from both sides of a gap, even if the other side runs after every second store', () => {
  const header = join(import.meta.dirname, 'queue-order.h');
  const program = build('queue-order.c', { more: ['-include', header] }, false);
  const r = answer<Counted & { entered: number }>(program, frames, seed);
  const text = JSON.stringify(r);
  assert.is(r.wrong, 0, `RUNLET_SEED=${seed}: ${text}`);
  assert.is(r.taken + r.discarded + r.waiting, r.stored, text);
  assert.is(r.stored + r.lost, r.offered, text);
  assert.ok(Math.min(r.gaps, r.taken, r.discarded, r.entered) > frames / 10, text);
});

test.run();
