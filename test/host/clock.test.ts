/**
 * The clock of a stream, compared with a list of all frames and windows: any hop, window, delay and warm-up,
 * with gaps.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { framesNeeded } from '../../assembly/bundle/timing.ts';
import { StreamClock } from '../../host/session/clock.ts';

const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
const numRuns = Number(process.env.RUNLET_RUNS ?? 500);
console.log(`  RUNLET_SEED=${seed}, ${numRuns} runs each`);

const timings = fc.record({
  hop: fc.integer({ min: 1, max: 9 }),
  window: fc.integer({ min: 1, max: 40 }),
  delayFrames: fc.integer({ min: 0, max: 6 }),
  warmUpHops: fc.integer({ min: 0, max: 3 }),
});
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ frames: fc.integer({ min: 1, max: 9 }), madeUp: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ lost: fc.integer({ min: 1, max: 100 }) }) },
  ),
  { maxLength: 80 },
);

test('latest output, its window, filled frames in and around it, and the next output equal a count one by one', () => {
  const property = fc.property(timings, steps, (timing, all) => {
    const { hop, window, delayFrames, warmUpHops } = timing;
    let clock = new StreamClock(timing);
    let origin = 0;
    let made: boolean[] = [];
    /** Number of frames after which window n is reported. */
    const dueAt = (n: number) => n * hop + window + delayFrames;
    for (const step of all) {
      if ('lost' in step) {
        origin += made.length + step.lost;
        clock.begin(origin);
        made = [];
      } else {
        const count = Math.min(hop, step.frames);
        const before = made.length;
        made.push(...new Array<boolean>(count).fill(step.madeUp));
        let outputs = 0;
        for (let n = warmUpHops; dueAt(n) <= made.length; n++) if (dueAt(n) > before) outputs++;
        clock.advance(count, outputs);
        if (step.madeUp) clock.markMadeUp(count);
      }
      if (made.length % 5 === 0) {
        const { state } = clock;
        clock = new StreamClock(timing);
        clock.restore(state);
      }
      let latest = -1;
      for (let n = warmUpHops; dueAt(n) <= made.length; n++) latest = n;
      const start = latest * hop;
      const counted = (from: number, to: number) => made.slice(Math.max(0, from), Math.max(0, to)).filter(Boolean).length;
      assert.is(clock.outputIndex, latest);
      assert.is(clock.nextFrame, origin + made.length);
      assert.is(clock.warmUp.active, latest < 0);
      assert.is(made.length + clock.warmUp.framesLeft, latest < 0 ? framesNeeded(timing) : dueAt(latest + 1));
      let heldBack = 0;
      for (let n = 0; n < warmUpHops && dueAt(n) <= made.length; n++) heldBack++;
      assert.is(clock.warmUp.outputsHeldBack, heldBack);
      if (latest >= 0) assert.is(clock.dueFrame, origin + dueAt(latest));
      assert.is(clock.madeUpInWindow, latest < 0 ? 0 : counted(start, start + window));
      const around = counted(start - warmUpHops * hop, start) + counted(start + window, start + window + delayFrames);
      assert.is(clock.madeUpInContext, latest < 0 ? 0 : around);
      // hops are complete where outputs are due, and whole hops before that
      let whole = dueAt(0) % hop;
      while (whole <= made.length) whole += hop;
      assert.is(clock.wholeFrame, origin + whole);
    }
  });
  fc.assert(property, { seed, numRuns });
});

test.run();
