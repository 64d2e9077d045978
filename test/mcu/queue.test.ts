/**
 * The queue between an interrupt or task and inference, with two threads: nothing is lost but what is counted, and what is counted is exact.
 *
 * 10^6 frames each (RUNLET_QUEUE_FRAMES); `npm run soak -- mcu` has more. Address, undefined-behaviour and thread sanitizers.
 */
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answer, build, type Sanitizer } from './tools.ts';

const compiles = spawnSync('gcc', ['--version']).error === undefined;
if (!compiles) console.log('skipped: no gcc: the package gcc');
const only = compiles ? test : test.skip;
const frames = Number(process.env.RUNLET_QUEUE_FRAMES ?? 1_000_000);

interface Counted {
  offered: number;
  stored: number;
  taken: number;
  lost: number;
  lostInAll: number;
  waiting: number;
  most: number;
  wrong: number;
}

/** Counters that wrap in the middle. */
const nearWrap = 2 ** 32 - 1000;

/** The sanitizer for threads needs its library, and addresses that it can place its shadow at. */
const runs = (sanitizer: Sanitizer): boolean => {
  try {
    answer(build('queue.c', { sanitizer }, false), 1, 1, 1, 1, 0);
    return true;
  } catch (error) {
    const why = String((error as Error).message);
    if (!/libtsan|unexpected memory mapping/.test(why)) throw error;
    console.log(`  without the thread sanitizer: ${why.trim().split('\n')[0]}`);
    return false;
  }
};

for (const sanitizer of ['address', 'thread', 'none'] as Sanitizer[])
  only(`offered = taken + lost, in order, whole (${sanitizer})`, () => {
    if (!runs(sanitizer)) return;
    let lost = 0;
    for (const [capacity, burst, take, start] of [
      [1, 1, 1, 0],
      [2, 5, 2, nearWrap],
      [64, 16, 20, nearWrap],
      [64, 200, 64, 0],
      [4096, 7, 200, nearWrap],
    ] as const) {
      const r = answer<Counted>(build('queue.c', { sanitizer }, false), frames, capacity, burst, take, start);
      const text = JSON.stringify(r);
      assert.is(r.wrong, 0, text);
      assert.ok(r.offered >= frames, text);
      assert.is(r.taken, r.stored, text);
      assert.is(r.waiting, 0, text);
      assert.is(r.taken + r.lost, r.offered, text);
      assert.is(r.lostInAll, r.lost, text);
      assert.ok(r.most >= 1 && r.most <= capacity, text);
      if (r.lost > 0) assert.is(r.most, capacity, 'a frame is lost where the queue is full');
      lost += r.lost;
    }
    assert.ok(lost > 0, 'no frame was ever lost, so nothing was tested');
  });

test.run();
