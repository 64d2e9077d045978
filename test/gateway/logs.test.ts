/**
 * The signal that a stream keeps: its log of ticks and arrival times, compared with plain lists of all ticks.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { framesNeeded } from '../../assembly/bundle/timing.ts';
import { Arrivals } from '../../host/gateway/hub/arrivals.ts';
import { Stream } from '../../host/gateway/hub/stream.ts';
import { TickLog } from '../../host/gateway/worker/tick-log.ts';

const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
const numRuns = Number(process.env.RUNLET_RUNS ?? 300);
console.log(`  RUNLET_SEED=${seed}, ${numRuns} runs each`);

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 1, arbitrary: fc.record({ append: fc.integer({ min: 300, max: 900 }) }) },
    { weight: 2, arbitrary: fc.record({ gap: fc.integer({ min: 1, max: 2 ** 40 }) }) },
    { weight: 3, arbitrary: fc.record({ keep: fc.integer({ min: 0, max: 120 }) }) },
  ),
  { minLength: 1, maxLength: 60 },
);

/** A tick that came, with its number. */
interface Tick {
  tick: number;
  bytes: number[];
}

/** Splits the kept ticks into runs of consecutive numbers. */
function runsOf(kept: Tick[]): Tick[][] {
  const runs: Tick[][] = [];
  for (const one of kept) {
    const run = runs.at(-1);
    if (run?.at(-1)?.tick === one.tick - 1) run.push(one);
    else runs.push([one]);
  }
  return runs;
}

function reads(log: TickLog, run: Tick[], from: number, to: number): void {
  const part = run.slice(from, to);
  const target = new Uint8Array(2 + part.length * log.tickBytes + 3).fill(0xee);
  log.copy(part[0]?.tick ?? 0, (part.at(-1)?.tick ?? 0) + 1, target, 2);
  assert.equal([...target], [0xee, 0xee, ...part.flatMap(({ bytes }) => bytes), 0xee, 0xee, 0xee]);
}

test('a log of ticks returns what came, between any two kept ticks of a run, and knows where each run begins', () => {
  const property = fc.property(fc.integer({ min: 1, max: 7 }), steps, fc.infiniteStream(fc.nat()), (tickBytes, all, picks) => {
    const log = new TickLog(tickBytes);
    let kept: Tick[] = [];
    const begins = [0];
    let next = 0;
    let count = 0;
    const pick = (n: number): number => (picks.next().value as number) % n;
    for (const step of all) {
      if ('append' in step) {
        const ticks = Array.from({ length: step.append }, (_, i) => ({
          tick: next + i,
          bytes: Array.from({ length: tickBytes }, () => (count++ * 167) & 255),
        }));
        log.append(Uint8Array.from(ticks.flatMap(({ bytes }) => bytes)));
        kept.push(...ticks);
        next += step.append;
      } else if ('gap' in step) {
        log.gap(step.gap);
        next += step.gap;
        begins.push(next);
      } else {
        const before = kept.at(-step.keep)?.tick ?? 0;
        log.forget(before);
        kept = kept.filter(({ tick }) => tick >= before);
      }
      assert.is(log.next, next);
      // otherwise the signal restarts before the first kept tick
      if (kept[0] && log.first !== kept[0].tick) assert.is(log.endOfRun(log.first), log.first);
      for (const run of runsOf(kept)) {
        const from = pick(run.length);
        const { tick } = run[from] as Tick;
        reads(log, run, from, from + 1 + pick(run.length - from));
        assert.is(log.endOfRun(tick), (run.at(-1)?.tick ?? 0) + 1);
        assert.is(
          log.beginOfRun(tick),
          begins.findLast((one) => one <= tick),
        );
        assert.is(
          log.nextRun(tick),
          begins.find((one) => one > tick),
        );
      }
    }
  });
  fc.assert(property, { seed, numRuns });
});

test('after a burst of 100,000 ticks a log holds no more memory than before', () => {
  const log = new TickLog(4);
  const room = (): number => {
    let bytes = 0;
    const real = Uint8Array.prototype.set;
    // the ring is the array that a tick is written to
    Uint8Array.prototype.set = function (this: Uint8Array, ...args: Parameters<typeof real>) {
      bytes = this.buffer.byteLength;
      real.apply(this, args);
    };
    log.append(new Uint8Array(4));
    Uint8Array.prototype.set = real;
    return bytes;
  };
  const live = () => {
    log.append(new Uint8Array(4 * 16));
    log.forget(log.next - 1024);
  };
  for (let i = 0; i < 1000; i++) live();
  const before = room();
  log.append(new Uint8Array(4 * 100_000));
  assert.ok(room() > 4 * 100_000);
  for (let i = 0; i < 100; i++) live();
  assert.ok(room() <= 2 * before, `${room()} bytes, ${before} before`);
});

test('arrivals return the message in which a tick came, even after older ones were dropped', () => {
  const message = fc.record({
    ticks: fc.integer({ min: 1, max: 5 }),
    stamp: fc.option(fc.integer({ min: 0, max: 2 ** 45 }), { nil: undefined }),
    ask: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
  });
  const property = fc.property(fc.array(message, { maxLength: 300 }), (messages) => {
    const arrivals = new Arrivals();
    let list: { first: number; end: number; atMs: number; timestampMs?: number }[] = [];
    let next = 0;
    let asked = 0;
    for (const { ticks, stamp, ask } of messages) {
      const one = { first: next, end: next + ticks, atMs: next / 3, ...(stamp !== undefined && { timestampMs: stamp }) };
      arrivals.add(one.first, one.end, one.atMs, stamp);
      list.push(one);
      next += ticks;
      if (ask === undefined) continue;
      // outputs are due in order
      asked = Math.max(asked, next - ask);
      list = list.filter(({ end }) => end >= asked);
      const { end: _, ...want } = list[0] ?? { end: 0 };
      assert.equal(arrivals.of(asked), 'first' in want ? want : undefined);
      if (ask % 3 > 0) continue;
      arrivals.forget(asked);
      list = list.filter(({ end }) => end > asked);
    }
  });
  fc.assert(property, { seed, numRuns });
});

/**
 * Returns a stream with a module that takes all ticks at once and gives the outputs that the test chooses.
 */
function withModule(manifest: object) {
  const stream = new Stream('s', 'main', 1, { output: () => {}, range: () => {}, failed: () => {} });
  const instance = { loaded: { manifest }, taken: 0, start: { base: 0, frame: 0 }, advance: () => {}, heldTicks: 0 };
  let log: TickLog | undefined;
  const pool = {
    open: (_: unknown, its: TickLog) => {
      log = its;
      return instance;
    },
  }; // biome-ignore format: one line
  stream.begin(pool as never, instance.loaded as never);
  return { stream, instance, log: log as TickLog };
}

const manifests = fc.record({
  hop: fc.integer({ min: 1, max: 9 }),
  window: fc.integer({ min: 1, max: 40 }),
  delayFrames: fc.integer({ min: 0, max: 5 }),
  warmUpHops: fc.integer({ min: 0, max: 3 }),
});
const pieces = fc.array(fc.record({ ticks: fc.integer({ min: 1, max: 400 }), gap: fc.integer({ min: 0, max: 50 }) }), {
  minLength: 1,
  maxLength: 40,
});

test('a module that takes over a stream begins at a kept hop of the run, early enough to give every output', () => {
  const property = fc.property(manifests, pieces, fc.integer({ min: 0, max: 100 }), (about, all, share) => {
    const manifest = about as never;
    const { stream, instance, log } = withModule(about);
    const begins = [0];
    const ends: number[] = [];
    for (const { ticks, gap } of all) {
      stream.push(new Uint8Array(ticks));
      instance.taken = stream.next;
      instance.start.frame = stream.next;
      // outputs come for the first part of the signal only
      if (begins.length <= (share / 100) * all.length) stream.given = Math.max(0, stream.next - 3);
      if (gap === 0) continue;
      ends.push(stream.next);
      stream.reset(gap);
      begins.push(stream.next);
    }
    ends.push(stream.next);
    const base = stream.replayBase(manifest);
    const run = begins.findLastIndex((one) => one <= base);
    assert.ok(base >= log.first, `${base}, kept from ${log.first}`);
    assert.ok(base <= (ends[run] ?? 0), `${base} is in the gap after ${ends[run]}`);
    assert.is((base - (begins[run] ?? 0)) % about.hop, 0, 'on the grid');
    for (const [r, begin] of begins.entries())
      for (let start = begin; start + framesNeeded(manifest) <= (ends[r] ?? 0); start += about.hop)
        if (start >= log.first && start + framesNeeded(manifest) > stream.given)
          assert.ok(r > run || start >= base, `the window at ${start} begins before ${base}`);
  });
  fc.assert(property, { seed, numRuns });
});

test.run();
