/**
 * The sequencer: whatever the order, the repeats and the cuts, the signal that comes out is that of the ticks that arrived; and what was lost is counted.
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

/** Steps as one value a tick: the tick's bytes, or a reset with the number that comes next. Resets that touch are one. */
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

/** What the rules say, tick by tick. */
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

/** Messages of 1 to 7 ticks, some lost, some twice; the first always comes first, as it says where the stream begins. */
const sending = fc.record({
  first: fc.nat(100_000),
  lengths: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 60 }),
  fates: fc.array(fc.constantFrom('once', 'once', 'once', 'lost', 'twice'), { minLength: 60, maxLength: 60 }),
  delays: fc.array(fc.nat(9), { minLength: 120, maxLength: 120 }),
  gap: fc.constantFrom('hold' as const, 'zero' as const, 'reset' as const),
  gapLimitTicks: fc.nat(15),
});

test('any order, repeats and losses within the bound: the signal of what arrived, and exact counts', () => {
  const property = fc.property(sending, ({ first, lengths, fates, delays, gap, gapLimitTicks }) => {
    const sent: (Sent & { at: number })[] = [];
    let from = first;
    lengths.forEach((length, i) => {
      const message = { from, to: from + length };
      from += length;
      const fate = i === 0 || i === lengths.length - 1 ? 'once' : fates[i];
      // in ticks of the sender's clock: what comes `delay` later was overtaken by at most so many ticks and a message
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
    assert.is(filled, signalOf(steps).filter((s) => s.endsWith('filled')).length);
    assert.is(sequencer.heldTicks, 0);
  });
  fc.assert(property, { seed, numRuns });
});

test('any messages at all: the books balance, order holds, and no more is held than the bound', () => {
  const message = fc.record({ from: fc.nat(400), ticks: fc.integer({ min: 1, max: 30 }) });
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
        const { received, delivered, late, duplicate } = sequencer.counts;
        assert.is(received, delivered + late + duplicate + sequencer.heldTicks);
        assert.ok(sequencer.heldTicks <= reorderTicks, `${sequencer.heldTicks} held`);
      };
      for (const { from, ticks } of messages) take(sequencer.push({ from, bytes: ticksOf(from, from + ticks) }));
      take(sequencer.flush());
      assert.is(sequencer.heldTicks, 0);
    },
  );
  fc.assert(property, { seed, numRuns });
});

test('late is what was lost before, duplicate what was there', () => {
  const sequencer = new Sequencer({ ...base, reorderTicks: 4, gap: 'zero' });
  const push = (from: number, to: number) => signalOf(sequencer.push({ from, bytes: ticksOf(from, to) }));
  assert.equal(push(0, 2), ['0,0', '1,0']);
  assert.equal(push(4, 6), [], 'it waits for 2 and 3');
  assert.equal(push(6, 8), ['9,9 filled', '9,9 filled', '4,0', '5,0', '6,0', '7,0']);
  assert.equal(push(1, 4), []);
  const { late, duplicate, lost, reordered, gaps } = sequencer.counts;
  assert.equal({ late, duplicate, lost, reordered, gaps }, { late: 2, duplicate: 1, lost: 2, reordered: 4, gaps: 1 });
});

test('a sender that counts anew: dropped, or the stream begins again', () => {
  for (const late of ['drop', 'restart'] as const) {
    const sequencer = new Sequencer({ ...base, reorderTicks: 4, late });
    sequencer.push({ from: 1000, bytes: ticksOf(1000, 1010) });
    const again = signalOf(sequencer.push({ from: 0, bytes: ticksOf(0, 2) }));
    assert.equal(again, late === 'drop' ? [] : ['reset 0', '0,0', '1,0']);
    assert.is(sequencer.counts.restarts, late === 'drop' ? 0 : 1);
    assert.is(sequencer.next, late === 'drop' ? 1010 : 2);
  }
});

test('without numbers: one after the other, and what was shed is a gap', () => {
  const sequencer = new Sequencer({ ...base, reorderTicks: 0 });
  assert.equal(signalOf(sequencer.push({ bytes: ticksOf(0, 2), timestampMs: 5 })), ['0,0', '1,0']);
  sequencer.skip(2);
  assert.equal(signalOf(sequencer.push({ bytes: ticksOf(4, 5) })), ['1,0 filled', '1,0 filled', '4,0']);
});

test.run();
