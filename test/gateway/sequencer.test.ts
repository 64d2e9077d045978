/**
 * The sequencer: for any order, repeats and split messages, it gives the signal of the ticks that arrived,
 * and counts the lost ones.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Sequencer, type SequencerOptions, type Step } from '../../host/gateway/streams/sequencer.ts';

const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
const numRuns = Math.ceil(2000 * Number(process.env.RUNLET_SEQUENCER_SHARE ?? 1));
console.log(`  RUNLET_SEED=${seed}, ${numRuns} runs each`);

const tickBytes = 2;
const zeroTick = Uint8Array.of(9, 9);
const base: SequencerOptions = { tickBytes, zeroTick, gap: 'hold', gapLimitTicks: 12, reorderTicks: 16, late: 'drop' };
const tick = (n: number): [number, number] => [n & 255, (n >> 8) & 255];
const ticksOf = (from: number, to: number) => Uint8Array.from(Array.from({ length: to - from }, (_, i) => tick(from + i)).flat());

/** Returns one string per tick: its bytes, or a reset with the next number. Adjacent resets merge. */
function signalOf(steps: Step[]): string[] {
  const out: string[] = [];
  for (const step of steps)
    if (step.kind === 'reset') {
      if (out.at(-1)?.startsWith('reset')) out.pop();
      out.push(`reset ${step.from}`);
    } else
      for (let at = 0; at < step.bytes.length; at += tickBytes)
        out.push(`${step.bytes.subarray(at, at + tickBytes)}${step.filled ? ' filled' : ''}`);
  return out;
}

/** Returns the expected signal, tick by tick. */
function expected(arrived: Set<number>, first: number, end: number, { gap, gapLimitTicks }: SequencerOptions): string[] {
  const out: string[] = [];
  let last: string | undefined;
  let run = 0;
  for (let n = first; n < end; n++) {
    if (arrived.has(n)) {
      last = String(tick(n));
      out.push(last);
      run = 0;
      continue;
    }
    if (gap !== 'reset' && run++ < gapLimitTicks) out.push(`${gap === 'hold' ? (last ?? zeroTick) : zeroTick} filled`);
    else {
      if (out.at(-1)?.startsWith('reset')) out.pop();
      out.push(`reset ${n + 1}`);
      last = undefined;
    }
  }
  return out;
}

interface Sent {
  from: number;
  to: number;
}

/**
 * Messages of 1 to 7 ticks, some lost, some sent twice. The first message always comes first, since it says
 * where the stream begins.
 */
const sending = fc.record({
  first: fc.nat(100_000),
  lengths: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 60 }),
  fates: fc.array(fc.constantFrom('once', 'once', 'once', 'lost', 'twice'), { minLength: 60, maxLength: 60 }),
  delays: fc.array(fc.nat(9), { minLength: 120, maxLength: 120 }),
  gap: fc.constantFrom('hold' as const, 'zero' as const, 'reset' as const),
  gapLimitTicks: fc.nat(15),
});

test('for any order, repeats and losses within the bound, the signal is that of the ticks that arrived, and the counts are exact', () => {
  const property = fc.property(sending, ({ first, lengths, fates, delays, gap, gapLimitTicks }) => {
    const sent: (Sent & { at: number })[] = [];
    let from = first;
    // the last messages confirm the number after a long gap
    const all = [...lengths, 3, 3];
    all.forEach((length, i) => {
      const message = { from, to: from + length };
      from += length;
      const fate = i === 0 || i >= lengths.length - 1 ? 'once' : fates[i];
      // `delay` is in ticks of the sender's clock: a message that is delayed by it is overtaken by at most
      // that many ticks and one message.
      if (fate !== 'lost') sent.push({ ...message, at: i === 0 ? -1 : message.from + (delays[i] as number) });
      if (fate === 'twice') sent.push({ ...message, at: message.from + (delays[60 + i] as number) });
    });
    const order = sent.map((message, i) => ({ message, i })).sort((a, b) => a.message.at - b.message.at || a.i - b.i);
    const options = { ...base, gap, gapLimitTicks };
    const sequencer = new Sequencer(options);
    const steps = order.flatMap(({ message }) =>
      sequencer.push({ from: message.from, bytes: ticksOf(message.from, message.to) }),
    );
    steps.push(...sequencer.flush());
    const arrived = new Set(sent.flatMap((m) => Array.from({ length: m.to - m.from }, (_, i) => m.from + i)));
    assert.equal(signalOf(steps), expected(arrived, first, from, options));
    const { received, delivered, lost, late, duplicate, filled } = sequencer.counts;
    assert.is(delivered, arrived.size);
    assert.is(lost, from - first - arrived.size);
    assert.is(late, 0);
    assert.is(duplicate, sent.reduce((sum, m) => sum + m.to - m.from, 0) - arrived.size);
    assert.is(received, delivered + late + duplicate);
    assert.is(sequencer.counts.refused + sequencer.counts.shed, 0);
    assert.is(filled, signalOf(steps).filter((s) => s.endsWith('filled')).length);
    assert.is(sequencer.heldTicks, 0);
  });
  fc.assert(property, { seed, numRuns });
});

function books({ counts, heldTicks }: Sequencer): void {
  const { received, delivered, late, duplicate, refused, shed, lost, filled, resetTicks, restarts } = counts;
  assert.is(received, delivered + late + duplicate + refused + shed + heldTicks);
  assert.is(lost + restarts, filled + resetTicks);
}

test('for any messages the counts add up, the order holds, and no more ticks are held than allowed', () => {
  const message = fc.record({
    from: fc.nat(400),
    ticks: fc.integer({ min: 1, max: 30 }),
    fate: fc.constantFrom('taken' as const, 'taken' as const, 'refused' as const, 'shed' as const),
  });
  const property = fc.property(
    fc.array(message, { maxLength: 80 }),
    fc.nat(40),
    fc.boolean(),
    (messages, reorderTicks, restart) => {
      const sequencer = new Sequencer({ ...base, reorderTicks, late: restart ? 'restart' : 'drop' });
      let at: number | undefined;
      const take = (steps: Step[]) => {
        for (const step of steps) {
          if (step.kind === 'reset') {
            if (at !== undefined && sequencer.counts.restarts === 0) assert.is(step.from, at + step.ticks);
            at = step.from;
            continue;
          }
          at ??= step.from;
          assert.is(step.from, at);
          at += step.bytes.length / tickBytes;
          if (!step.filled) assert.equal(step.bytes, ticksOf(step.from, at));
        }
        books(sequencer);
        // plus one message that is set aside
        assert.ok(sequencer.heldTicks <= reorderTicks + 30, `${sequencer.heldTicks} held`);
      };
      for (const { from, ticks, fate } of messages)
        if (fate === 'taken') take(sequencer.push({ from, bytes: ticksOf(from, from + ticks) }));
        else sequencer.skip({ what: fate, from, ticks });
      take(sequencer.flush());
      sequencer.end();
      books(sequencer);
      assert.is(sequencer.heldTicks, 0);
    },
  );
  fc.assert(property, { seed, numRuns });
});

test('a tick that was lost before is late, and one that was there is a duplicate', () => {
  const sequencer = new Sequencer({ ...base, reorderTicks: 4, gap: 'zero' });
  const push = (from: number, to: number) => signalOf(sequencer.push({ from, bytes: ticksOf(from, to) }));
  assert.equal(push(0, 2), ['0,0', '1,0']);
  assert.equal(push(4, 6), [], 'it waits for 2 and 3');
  assert.equal(push(6, 8), ['9,9 filled', '9,9 filled', '4,0', '5,0', '6,0', '7,0']);
  assert.equal(push(1, 4), []);
  const { late, duplicate, lost, reordered, gaps } = sequencer.counts;
  assert.equal({ late, duplicate, lost, reordered, gaps }, { late: 2, duplicate: 1, lost: 2, reordered: 4, gaps: 1 });
});

test('if a sender restarts its count, its messages are dropped, or the stream restarts after a second message', () => {
  for (const late of ['drop', 'restart'] as const) {
    const sequencer = new Sequencer({ ...base, reorderTicks: 4, late });
    sequencer.push({ from: 0, bytes: ticksOf(0, 30) });
    assert.equal(sequencer.push({ from: 0, bytes: ticksOf(0, 2) }), []);
    const again = signalOf(sequencer.push({ from: 2, bytes: ticksOf(2, 3) }));
    assert.equal(again, late === 'drop' ? [] : ['reset 0', '0,0', '1,0', '2,0']);
    assert.is(sequencer.counts.restarts, late === 'drop' ? 0 : 1);
    assert.is(sequencer.next, late === 'drop' ? 30 : 3);
    books(sequencer);
  }
});

test('a number that is back by the reorder buffer restarts the stream, and one tick less is late', () => {
  for (const [from, restarts] of [
    [20, 1],
    [21, 0],
  ] as const) {
    const sequencer = new Sequencer({ ...base, reorderTicks: 4, late: 'restart' });
    sequencer.push({ from: 0, bytes: ticksOf(0, 30) });
    for (const at of [from, from + 3]) sequencer.push({ from: at, bytes: ticksOf(at, at + 3) });
    assert.is(sequencer.counts.restarts, restarts);
  }
});

/** A stream at tick 1,000 gets one message with a damaged number and then continues. */
const damaged = fc.record({
  number: fc.oneof(
    fc.nat(2 ** 20),
    fc.maxSafeInteger().map((n) => n % 2 ** 52),
  ),
  at: fc.nat(6),
  ticks: fc.integer({ min: 1, max: 6 }),
  twice: fc.boolean(),
  late: fc.constantFrom('drop' as const, 'restart' as const),
  reorderTicks: fc.nat(20),
  gapLimitTicks: fc.nat(300),
});

test('one damaged number costs at most twice the ticks of its message', () => {
  const property = fc.property(damaged, ({ number, at, ticks, twice, late, reorderTicks, gapLimitTicks }) => {
    const sequencer = new Sequencer({ ...base, late, reorderTicks, gapLimitTicks });
    const steps: Step[] = [];
    const end = 1000 + 40 * ticks;
    for (let i = 0, n = 1000; n < end; i++, n += ticks) {
      const from = i === at ? number : n;
      const message = { from, bytes: ticksOf(n, n + ticks) };
      steps.push(...sequencer.push(message));
      if (i === at && twice) steps.push(...sequencer.push(message));
      books(sequencer);
    }
    steps.push(...sequencer.flush());
    const right = new Set(Array.from({ length: 40 * ticks }, (_, i) => String(tick(1000 + i))));
    const given = signalOf(steps).filter((one) => right.has(one));
    // the ticks of the damaged message and of the next one may be missing
    assert.ok(new Set(given).size >= 40 * ticks - 2 * ticks, `${given.length} of ${40 * ticks} ticks came through`);
    assert.is(sequencer.next, end);
  });
  fc.assert(property, { seed, numRuns });
});

test('after a long gap the first message waits for the second, and both are taken, in any order', () => {
  for (const order of [
    [5000, 5003],
    [5003, 5000],
  ]) {
    const sequencer = new Sequencer({ ...base, reorderTicks: 4, gap: 'reset' });
    sequencer.push({ from: 0, bytes: ticksOf(0, 3) });
    const steps = order.flatMap((from) => sequencer.push({ from, bytes: ticksOf(from, from + 3) }));
    assert.equal(signalOf(steps), ['reset 5000', ...[0, 1, 2, 3, 4, 5].map((i) => String(tick(5000 + i)))]);
    books(sequencer);
  }
});

test('of a long message that is set aside only the newest ticks are kept, and the others are refused', () => {
  const sequencer = new Sequencer({ ...base, gap: 'reset' });
  sequencer.push({ from: 0, bytes: ticksOf(0, 3) });
  assert.equal(sequencer.push({ from: 9000, bytes: ticksOf(0, 5000) }), []);
  assert.is(sequencer.heldTicks, 1024);
  const steps = sequencer.push({ from: 14_000, bytes: ticksOf(5000, 5001) });
  assert.equal(signalOf(steps)[0], `reset ${14_000 - 1024}`);
  assert.equal(
    signalOf(steps).slice(1),
    Array.from({ length: 1025 }, (_, i) => String(tick(5000 - 1024 + i))),
  );
  books(sequencer);
});

test('a jump of the numbers that no clock explains restarts the numbering, and positions in the stream stay exact', () => {
  const sequencer = new Sequencer({ ...base, gap: 'reset' });
  sequencer.push({ from: 0, bytes: ticksOf(0, 3) });
  for (const from of [2 ** 51, 2 ** 51 + 3]) sequencer.push({ from, bytes: ticksOf(0, 3) });
  const { delivered, filled, resetTicks, restarts, lost } = sequencer.counts;
  assert.equal(
    { delivered, filled, resetTicks, restarts, lost },
    { delivered: 9, filled: 0, resetTicks: 1, restarts: 1, lost: 0 },
  );
});

test('refused ticks without numbers are a gap; if their count is unknown, the signal restarts', () => {
  const sequencer = new Sequencer({ ...base, reorderTicks: 0 });
  sequencer.push({ bytes: ticksOf(0, 2) });
  sequencer.skip({ what: 'refused', ticks: 2 });
  assert.equal(signalOf(sequencer.push({ bytes: ticksOf(4, 5) })), ['1,0 filled', '1,0 filled', '4,0']);
  sequencer.skip({ what: 'refused' });
  assert.equal(signalOf(sequencer.push({ bytes: ticksOf(9, 10) })), ['reset 6', '9,0']);
  books(sequencer);
});

test('messages without numbers follow one another, and shed ticks are a gap', () => {
  const sequencer = new Sequencer({ ...base, reorderTicks: 0 });
  assert.equal(signalOf(sequencer.push({ bytes: ticksOf(0, 2), timestampMs: 5 })), ['0,0', '1,0']);
  sequencer.skip({ what: 'shed', ticks: 2 });
  assert.equal(signalOf(sequencer.push({ bytes: ticksOf(4, 5) })), ['1,0 filled', '1,0 filled', '4,0']);
});

test.run();
