/**
 * Hand-over: a stream that moves from gateway to gateway gives the bytes of one that stays.
 *
 * Oracle: the same random messages at one gateway. Random networks are those of the session's tests; here the
 * numbers, gaps and times of a sender are what must not get lost.
 */
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkFits, readRecord, type StreamRecord, writeRecord } from '../../host/gateway/cluster/record.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { Intake, type IntakeState } from '../../host/gateway/streams/intake.ts';
import { writeOutput } from '../../host/gateway/streams/wire.ts';
import { codeOf } from '../host/helpers.ts';
import { bundleOf, bytesOf, hop, keys, signal } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
const numRuns = Number(process.env.RUNLET_HAND_OVERS ?? 60);
console.log(`  RUNLET_SEED=${seed}, ${numRuns} signals`);

const rules = { gap: 'hold' as const, gapLimitTicks: 20, late: 'restart' as const, reorderMs: 1e6, maxWaitingHops: 1e6 };

/** One of the gateways, with the bytes of its outputs. */
interface Side {
  gateway: Gateway;
  intake: Intake;
  given: string[];
}

async function begun(stateDigest?: string): Promise<Side> {
  const gateway = await Gateway.open(new CrashDisk(), { policy: { keys: [keys.publicKey] } });
  const { wasm, digest } = await bundleOf(1, { manifest: (m) => (stateDigest ? { ...m, stateDigest } : m) });
  await gateway.receive(wasm, digest);
  assert.is((await gateway.try('main', { enduranceHops: 8 })).phase, 'confirmed');
  const intake = new Intake(gateway, rules);
  const given: string[] = [];
  gateway.events.on('output', (output) => {
    const message = { ...intake.decorate(output), digest: '00000000' };
    given.push(Buffer.from(writeOutput('', message)).toString('hex'));
  });
  return { gateway, intake, given };
}

const close = async ({ gateway, intake }: Side): Promise<void> => {
  intake.close();
  await gateway.close();
};

const sending = fc.record({
  first: fc.nat(1e6),
  gap: fc.constantFrom('hold' as const, 'reset' as const),
  messages: fc.array(
    fc.record({
      ticks: fc.integer({ min: 1, max: 3 * hop }),
      fate: fc.constantFrom('taken', 'taken', 'taken', 'lost', 'later', 'twice', 'far', 'back'),
      moves: fc.boolean(),
    }),
    { minLength: 4, maxLength: 40 },
  ),
});

/** Messages in the order in which they arrive: some late, some twice, some with damaged numbers. */
function arriving(first: number, messages: { ticks: number; fate: string; moves: boolean }[]) {
  const out: { from: number; at: number; ticks: number; moves: boolean }[] = [];
  let held: (typeof out)[number] | undefined;
  let at = first;
  for (const [i, { ticks, fate, moves }] of messages.entries()) {
    const damage = fate === 'far' ? 2 ** 33 + i * 2 ** 20 : 0;
    const one = { from: at + damage, at, ticks, moves };
    at += ticks;
    if (fate === 'back') at = first + (i % 3);
    if (fate === 'lost') continue;
    if (fate === 'later') {
      if (held) out.push(held);
      held = one;
      continue;
    }
    out.push(one);
    if (fate === 'twice') out.push({ ...one, moves: false });
    if (held) out.push(held);
    held = undefined;
  }
  return out;
}

const settled = ({ gateway }: Side, stream: string) => gateway.streams.get(stream)?.instance?.snapshot();

/** Moves a stream: its record is the only thing that passes. */
async function move(from: Side, to: Side, stream: string, through: number): Promise<void> {
  const { held = 0 } = from.intake.booksOf(stream) ?? {};
  const state = await from.intake.state(stream);
  if (!state) return;
  const record = readRecord(writeRecord({ through, held, state }), stream);
  assert.is(record.through, through);
  from.gateway.closeStream(stream);
  to.intake.resume(stream, record.state);
}

for (const layout of ['the same layout of the state', 'another layout, so that the signal is replayed'] as const)
  test(`outputs, their numbers, ticks and times, and the books are those of a stream that stays: ${layout}`, async () => {
    const stays = await begun();
    const sides = [await begun(), await begun(layout.startsWith('another') ? 'f'.repeat(64) : undefined)] as const;
    let run = 0;
    let moved = 0;
    const property = fc.asyncProperty(sending, async ({ first, gap, messages }) => {
      const stream = `s${run++}`;
      for (const { intake, given } of [stays, ...sides]) {
        intake.options.gap = gap;
        given.length = 0;
      }
      let [here, there] = sides;
      const all: string[] = [];
      const isThere = (side: Side) => side.gateway.streams.has(stream);
      for (const [i, { from, at, ticks, moves }] of arriving(first, messages).entries()) {
        const message = { stream, from, timestampMs: 1e12 + 10 * at, bytes: bytesOf(signal(1, at, ticks)) };
        stays.intake.take(message);
        here.intake.take(message);
        if (!moves || !isThere(here)) continue;
        await move(here, there, stream, i);
        assert.ok(isThere(there), 'it did not move');
        moved++;
        all.push(...here.given.splice(0));
        [here, there] = [there, here];
      }
      await Promise.all([settled(stays, stream), settled(here, stream)]);
      all.push(...here.given.splice(0));
      assert.equal(all, stays.given);
      assert.equal(here.intake.countsOf(stream), stays.intake.countsOf(stream));
      for (const { gateway } of [stays, ...sides]) gateway.closeStream(stream);
    });
    await fc.assert(property, { seed, numRuns });
    assert.ok(moved > numRuns, `only ${moved} moves`);
    for (const side of [stays, ...sides]) await close(side);
  });

/** Numbers, texts and lists of a record, with what replaces each. */
function places(value: unknown, put: (one: unknown) => void): { old: unknown; put(one: unknown): void }[] {
  const children = value && typeof value === 'object' ? Object.entries(value) : [];
  const inside = children.flatMap(([key, child]) =>
    places(child, (one) => {
      (value as Record<string, unknown>)[key] = one;
    }),
  );
  return value && typeof value === 'object' && !Array.isArray(value) ? inside : [{ old: value, put }, ...inside];
}

/** Another value of the same kind. */
function changed(old: unknown, pick: number): unknown {
  if (typeof old === 'number') return [0, 1, old + 1, Math.max(0, old - 1), old * 2, 2 ** 53 - 1, pick][pick % 7];
  if (typeof old === 'boolean') return !old;
  if (Array.isArray(old)) return [[], [...old, ...old], [...old].reverse(), old.slice(1)][pick % 4];
  const bytes = Buffer.from(`${old}`, 'base64');
  if (pick % 2 === 0) return bytes.subarray(0, pick % (bytes.length + 1)).toString('base64');
  if (bytes.length > 0) bytes[pick % bytes.length] = pick;
  return bytes.toString('base64');
}

test('a record with other values is refused, or its stream runs: the bundle does not fail, and no error ends the process', async () => {
  const side = await begun();
  const { gateway } = side;
  const from = await begun();
  from.intake.take({ stream: 'a', from: 5, timestampMs: 1000, bytes: bytesOf(signal(1, 5, 3 * hop)) });
  from.intake.take({ stream: 'a', from: 5 + 4 * hop, bytes: bytesOf(signal(1, 5 + 4 * hop, 1)) });
  from.intake.take({ stream: 'a', from: 2 ** 33, bytes: bytesOf(signal(1, 0, 2)) });
  const state = (await from.intake.state('a')) as IntakeState;
  const text = new TextDecoder().decode(writeRecord({ through: 2, held: 1, state }));
  const failures: unknown[] = [];
  gateway.events.on('stream', (event) => 'failure' in event && event.failure && failures.push(event));
  const intake = new Intake(gateway, { ...rules, reorderMs: 2 });
  const codes: Record<string, number> = {};
  const one = async (picks: [number, number][]) => {
    const made = JSON.parse(text);
    for (const [which, pick] of picks) {
      const all = places(made, () => {});
      const { old, put } = all[which % all.length] as (typeof all)[number];
      put(changed(old, pick));
    }
    const code = await codeOf(() => {
      const record = readRecord(new TextEncoder().encode(JSON.stringify(made)), 'a');
      checkFits(record, 'a', gateway.entry('a', record.state.slot));
      intake.resume('a', record.state);
      for (const at of [5 + 5 * hop, 5 + 8 * hop, 1])
        intake.take({ stream: 'a', from: at, timestampMs: 2000, bytes: bytesOf(signal(1, at, hop)) });
    });
    codes[code] = (codes[code] ?? 0) + 1;
    await pause(6);
    const stream = gateway.streams.get('a');
    await stream?.instance?.snapshot();
    for (const output of stream?.outputs() ?? []) intake.decorate(output);
    await intake.state('a');
    intake.leave('a');
    assert.equal(failures, [], JSON.stringify(picks));
  };
  await one([]);
  assert.equal(codes, { none: 1 });
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.nat(1e6), fc.nat(1e6)), { minLength: 1, maxLength: 3 }), one), {
    seed,
    numRuns: 5 * numRuns,
  });
  console.log(`  records with other values: ${JSON.stringify(codes)}`);
  assert.ok((codes.RN920 ?? 0) > numRuns && (codes.none ?? 0) > numRuns / 4, JSON.stringify(codes));
  intake.close();
  for (const part of [side, from]) await close(part);
});

test('each rule of a record is checked', async () => {
  const side = await begun();
  const piece = (at: number, ticks: number) => side.intake.take({ stream: 'a', from: at, bytes: bytesOf(signal(1, at, ticks)) });
  piece(5, 3 * hop);
  piece(5 + 3 * hop + 1, 1);
  piece(5 + 3 * hop + 3, 1);
  const state = (await side.intake.state('a')) as IntakeState;
  assert.is(state.sequencer.held.length, 2);
  const text = new TextDecoder().decode(writeRecord({ through: 2, held: 3, state }));
  type Changed = StreamRecord['state'];
  const changes: Record<string, (one: Changed) => void> = {
    'ticks that wait are in another order': ({ sequencer }) => sequencer.held.reverse(),
    'ticks wait before the next one': ({ sequencer }) => ((sequencer.held[0] as { from: number }).from = 5),
    'the end is before them': ({ sequencer }) => (sequencer.end = 5),
    'ticks wait, and none has come': ({ sequencer }) => (sequencer.next = undefined),
    'half a tick waits': ({ sequencer }) => ((sequencer.held[0] as { bytes: Uint8Array }).bytes = new Uint8Array(1)),
    'the last tick has another size': ({ sequencer }) => (sequencer.last = new Uint8Array(1)),
    'lost ticks end before they begin': ({ sequencer }) => sequencer.lostRanges.push([9, 8]),
    'the signal begins after its end': ({ signal: kept }) => (kept.from = state.frame + 1),
    'the signal is shorter': ({ signal: kept }) => (kept.bytes = kept.bytes.subarray(4)),
    'the state is of another frame': (one) => one.base++,
    'the state is cut': (one) => (one.snapshot = one.snapshot.subarray(1)),
  };
  const entry = side.gateway.entry('a');
  const codeAfter = (change: (one: Changed) => void) =>
    codeOf(() => {
      const record = readRecord(new TextEncoder().encode(text), 'a');
      change(record.state);
      checkFits(record, 'a', entry);
    });
  assert.is(await codeAfter(() => {}), 'none');
  for (const [name, change] of Object.entries(changes)) assert.is(await codeAfter(change), 'RN920', name);
  await close(side);
});

test('a changed record is refused, or is a record: never an error without a code', async () => {
  const side = await begun();
  side.intake.take({ stream: 'a', from: 5, timestampMs: 1000, bytes: bytesOf(signal(1, 5, 3 * hop)) });
  side.intake.take({ stream: 'a', from: 5 + 4 * hop, bytes: bytesOf(signal(1, 5 + 4 * hop, 1)) });
  const state = (await side.intake.state('a')) as IntakeState;
  const good = writeRecord({ through: 2, held: 1, state });
  const text = new TextDecoder().decode(good);
  let refused = 0;
  const entry = side.gateway.entry('a');
  const codeOfRecord = (bytes: Uint8Array) => codeOf(() => checkFits(readRecord(bytes, 'a'), 'a', entry));
  const read = async (bytes: Uint8Array) => {
    const code = await codeOfRecord(bytes);
    assert.ok(['none', 'RN920'].includes(code), code);
    if (code !== 'none') refused++;
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), async (at, byte) => {
      const bytes = good.slice();
      bytes[at] = byte;
      await read(bytes);
      await read(good.subarray(0, at));
    }),
    { seed, numRuns },
  );
  assert.ok(refused >= numRuns, `${refused} refused`);
  const wrong: ((r: StreamRecord) => unknown)[] = [
    ({ state: s, ...r }) => ({ ...r, state: { ...s, frame: -1 } }),
    ({ state: s, ...r }) => ({ ...r, state: { ...s, frame: 2 ** 60 } }),
    ({ state: s, ...r }) => ({ ...r, state: { ...s, signal: { ...s.signal, from: s.frame + 1 } } }),
    ({ state: s, ...r }) => ({ ...r, state: { ...s, filled: Array.from({ length: 5000 }, () => [0, 1]) } }),
  ];
  for (const change of wrong) {
    const record = change(JSON.parse(text) as StreamRecord);
    assert.is(await codeOfRecord(new TextEncoder().encode(JSON.stringify(record))), 'RN920');
  }
  await close(side);
});

test.run();
