/**
 * Collection of windows: the policies by themselves, and a gateway that collects while streams run.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Asked, Disagree, marginOf, maxAsked, uncertaintyAt, withinDay } from '../../host/gateway/collect/policies.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import type { OutputEvent } from '../../host/gateway/hub/events.ts';
import { Budget, UncertainWithin } from '../../host/learn/policies.ts';
import { uniform } from '../../models/xorshift.ts';
import { codeOf } from '../host/helpers.ts';
import { bundleOf, bytesOf, channels, hop, keys, signal, window } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const dayMs = 86_400_000;
const settings = { maxBytes: 1 << 24, keepDays: 30 };

test('a budget holds in any 24 hours, spends little at once and nearly all over days', () => {
  for (const perDay of [1, 2, 10, 100, 5000]) {
    const budget = new Budget(withinDay(perDay));
    const taken: number[] = [];
    const stepMs = dayMs / (20 * perDay);
    for (let nowMs = 0; nowMs < 4 * dayMs; nowMs += stepMs) if (budget.take(nowMs)) taken.push(nowMs);
    for (const [i, at] of taken.entries()) {
      const within = taken.slice(i).findIndex((one) => one >= at + dayMs);
      assert.ok((within < 0 ? taken.length - i : within) <= perDay, `${perDay} a day from ${at}`);
    }
    assert.ok(taken.filter((at) => at < 1000 * stepMs && at < dayMs / 100).length <= perDay / 12 + perDay / 100 + 1);
    assert.ok(taken.length >= 2 * perDay, `${taken.length} of ${4 * perDay}`);
  }
});

test('a margin is the difference of the two largest values, or the distance to a cutoff', () => {
  assert.is(marginOf([Float32Array.of(1, 5, 3.5)]), 1.5);
  assert.is(marginOf([Float32Array.of(2, 2)]), 0);
  assert.is(marginOf([Float32Array.of(1, 5), Float32Array.of(3, 2, 9)]), 4);
  assert.is(marginOf([Float32Array.of(0.75)]), undefined);
  assert.is(marginOf([Float32Array.of(0.75)], 0.5), 0.25);
  assert.is(marginOf([Float32Array.of(0.25)], 0.5), 0.25);
  assert.is(marginOf([Float32Array.of(Number.NaN, Number.NaN)]), undefined);
});

test('uncertain takes the least clear outputs, within its budget, at any rate of outputs and after the margins change', () => {
  for (const [perDay, outputsPerDay] of [
    [100, 5000],
    [100, 400_000],
    [2000, 2500],
  ] as const) {
    const policy = new UncertainWithin(withinDay(perDay));
    const next = uniform(7);
    const chosen: number[][] = [[], [], [], []];
    for (let i = 0; i < 4 * outputsPerDay; i++) {
      const day = Math.floor(i / outputsPerDay);
      // from the third day on the model is less sure of everything
      const margin = next() * (day < 2 ? 1 : 0.2);
      if (policy.take(uncertaintyAt(margin), (i * dayMs) / outputsPerDay)) chosen[day]?.push(margin);
    }
    for (const [day, margins] of chosen.entries()) {
      assert.ok(margins.length <= perDay, `day ${day}: ${margins.length} of ${perDay}`);
      if (day % 2) assert.ok(margins.length >= perDay / 4, `day ${day}: ${margins.length} of ${perDay}`);
      const mean = margins.reduce((sum, margin) => sum + margin, 0) / Math.max(1, margins.length);
      if (day % 2 && outputsPerDay > 2 * perDay) assert.ok(mean < (day < 2 ? 0.5 : 0.1) / 4, `day ${day}: mean ${mean}`);
    }
  }
});

test('disagree takes other answers only; asked takes as many as were asked for, of the stream that was named', () => {
  const disagree = new Disagree(24);
  const [a, b] = [[Float32Array.of(1, 2)], [Float32Array.of(2, 1)]];
  assert.not.ok(disagree.chooses(a, a, 0));
  assert.ok(disagree.chooses(a, b, 0));
  assert.ok(disagree.chooses(a, b, 0));
  assert.not.ok(disagree.chooses(a, b, 0), 'the budget');
  const asked = new Asked();
  assert.ok(asked.ask(2, 'x') && asked.ask(1));
  assert.equal(
    ['y', 'y', 'x', 'x', 'x'].map((stream) => asked.chooses(stream)),
    [true, false, true, true, false],
  );
  assert.is(asked.waiting, 0);
  assert.ok(asked.ask(maxAsked));
  assert.not.ok(asked.ask(1));
});

async function opened(disk = new CrashDisk()) {
  const gateway = await Gateway.open(disk, { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 20_000 } });
  const outputs: OutputEvent[] = [];
  gateway.events.on('output', (output) => outputs.push(output));
  return { gateway, outputs, disk };
}
const until = async (done: () => boolean): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    if (wait > 6000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
const trial = { enduranceHops: 20, outputs: 2, seconds: 20 };

async function flash(gateway: Gateway, sequence: number): Promise<void> {
  const { wasm, digest } = await bundleOf(sequence);
  await gateway.receive(wasm, digest);
  assert.is((await gateway.try('main', trial)).phase, 'confirmed');
}

test('a gateway collects nothing until it is told to; then windows are the signal that was fed, and the outputs lose nothing', async () => {
  const { gateway, outputs, disk } = await opened();
  try {
    await flash(gateway, 1);
    gateway.push('s', bytesOf(signal(1, 0, 40)));
    await until(() => outputs.length === 9);
    assert.is(await codeOf(() => gateway.collection.ask('main', 1)), 'RN874');
    assert.not.ok(disk.files().some((path) => path.startsWith('collected/')));

    await gateway.collection.turnOn('main', { ...settings, random: { share: 1 }, drift: { perDay: 12 }, aroundTicks: 3 });
    for (let at = 40; at < 80; at += 8) gateway.push('s', bytesOf(signal(1, at, 8)), { from: at });
    await until(() => outputs.length === 19);
    gateway.collection.drift('s', 'gain');
    const slot = gateway.collection.slot('main');
    await slot.settled();
    assert.equal(slot.counts, { collected: { drift: 1, uncertain: 0, disagree: 0, random: 10, asked: 0 }, disk: 0, busy: 0, room: 0, gone: 0, large: 0, budget: 0 }); // biome-ignore format: one line
    const kept = slot.windows.list();
    assert.is(kept.length, 10, 'a window with two reasons is one window');
    for (const [i, { id }] of kept.entries()) {
      const output = outputs[9 + i] as OutputEvent;
      const record = await slot.windows.read(id);
      assert.equal([record.sequence, record.frame, record.digest], [output.sequence, output.frame, output.digest]);
      assert.equal([...record.raw], [...new Uint8Array(output.raw)]);
      assert.equal([record.windowFrom, record.windowTicks], [output.frame - window, window]);
      const last = record.from + record.signal.length / channels;
      assert.equal([...new Int8Array(record.signal)], [...signal(1, record.from, last - record.from)]);
      assert.is(record.from, record.windowFrom - 3);
      assert.is(last, Math.min(80, output.frame + 3));
      assert.is(record.share, 1);
      assert.equal(record.reasons, i < 9 ? ['random'] : ['drift', 'random']);
      assert.is(record.why, i < 9 ? undefined : 'gain');
    }
    await gateway.collection.turnOff('main');
    gateway.push('s', bytesOf(signal(1, 80, 8)), { from: 80 });
    await until(() => outputs.length === 21);
    await slot.settled();
    assert.is(slot.windows.count, 10, 'off');
  } finally {
    await gateway.close();
  }
  const again = await opened(
    disk.survivor(
      (n) => n,
      (n) => n,
    ),
  );
  assert.is(again.gateway.collection.slot('main').windows.count, 10);
  assert.is(again.gateway.collection.status('main').on, false);
  await again.gateway.collection.turnOn('main', settings);
  await again.gateway.close();
  const third = await opened(
    again.disk.survivor(
      (n) => n,
      (n) => n,
    ),
  );
  assert.ok(third.gateway.collection.status('main').on, 'the settings survive a start');
  await third.gateway.close();
});

test('windows of other answers of a trial, of a gap, and on a full disk: counted, and no output is lost', async () => {
  const { gateway, outputs, disk } = await opened();
  try {
    await flash(gateway, 1);
    await gateway.collection.turnOn('main', { ...settings, disagree: { perDay: 1200 }, random: { share: 1 } });
    const slot = gateway.collection.slot('main');
    gateway.push('s', bytesOf(signal(1, 0, 8)));
    await until(() => outputs.length === 1);
    // the version on trial answers something else
    gateway.events.emit('compared', {
      ...{ slot: 'main', stream: 's', frame: 8, digest: 'cd'.repeat(32) },
      mine: [Float32Array.from({ length: channels }, (_, i) => i)],
      theirs: [Float32Array.from({ length: channels }, (_, i) => -i)],
    });
    await slot.settled();
    const [kept] = slot.windows.list();
    assert.equal(kept?.reasons, ['disagree', 'random']);
    const record = await slot.windows.read(kept?.id as number);
    assert.is(record.otherDigest, 'cd'.repeat(32));
    assert.equal([...new Float32Array(new Uint8Array(record.other as Uint8Array).buffer)], [0, 1, 2, 3, 4, 5]);

    disk.faults = { roomBytes: 0 };
    for (let at = 8; at < 48; at += hop) gateway.push('s', bytesOf(signal(1, at, hop)), { from: at });
    await until(() => outputs.length === 11);
    await slot.settled();
    assert.is(slot.counts.disk, 10);
    assert.is(slot.windows.count, 1);
    disk.faults = {};
    gateway.push('s', bytesOf(signal(1, 48, hop)), { from: 48 });
    await until(() => outputs.length === 12);
    await slot.settled();
    assert.is(slot.windows.count, 2);
    assert.equal(
      outputs.map(({ sequence }) => sequence),
      outputs.map((_, i) => i),
    );
    // more than can be written at once: the rest is counted
    for (let at = 52; at < 52 + 400 * hop; at += hop) gateway.push('s', bytesOf(signal(1, at, hop)), { from: at });
    await until(() => outputs.length === 412);
    await slot.settled();
    const { collected, busy } = slot.counts;
    assert.is(collected.random + busy, 412 - 10);
  } finally {
    await gateway.close();
  }
});

test.run();
