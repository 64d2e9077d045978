/**
 * Judgements of a gateway's versions: replays give the bytes of the stream, figures equal those by hand, the
 * alarm is told once, a recommended version is tried as any other with its way back, settings are checked.
 */
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import type { WindowRecord } from '../../host/gateway/collect/record.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import type { JudgedEvent, OutputEvent } from '../../host/gateway/hub/events.ts';
import { replay, ticksFor } from '../../host/gateway/judge/replay.ts';
import type { SlotJudgement } from '../../host/gateway/judge/slot-judging.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { defaultIntake, Intake } from '../../host/gateway/streams/intake.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import { Pool } from '../../host/gateway/worker/pool.ts';
import { wilson } from '../../host/learn/intervals.ts';
import type { ClassJudgement } from '../../host/learn/judge.ts';
import { argmax } from '../../host/statistics.ts';
import { type BundleOptions, bundleOf, bytesOf, channels, hop, keys, loop, signal, window } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';
import { knocker } from './knock.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const trial = { enduranceHops: 20, outputs: 2, seconds: 20 };
const gateways: Gateway[] = [];
// threads of a failed test would keep the process running
test.after(async () => {
  for (const gateway of gateways) await gateway.close();
});
const until = async (done: () => boolean): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    if (wait > 6000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

/** A version that is wrong: its outputs are those of the moving average, rotated by one class. */
const rotated: [string, string][] = [['store<i8>(output + i, sum >> 3);', 'store<i8>(output + (i + 1) % C, sum >> 3);']];
/** Its self-test has other outputs, so it has none that could fail; the gateway wants one output at least. */
const wrong = (over: BundleOptions = {}): BundleOptions => ({ labels: names, edit: rotated, ...over });

async function opened(disk = new CrashDisk()) {
  const options = { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 20_000 } };
  const gateway = await Gateway.open(disk, options);
  gateways.push(gateway);
  const outputs: OutputEvent[] = [];
  gateway.events.on('output', (output) => outputs.push(output));
  return { gateway, outputs, disk };
}

async function flash(gateway: Gateway, sequence: number, options: BundleOptions = { labels: names }): Promise<string> {
  const { wasm, digest } = await bundleOf(sequence, options);
  await gateway.receive(wasm, digest);
  const report = await gateway.try('main', trial);
  assert.is(report.phase, 'confirmed', report.failure?.why);
  return digest;
}

/**
 * Feeds a stream, collects all of its windows, and labels them. @param truth returns the label of window i
 */
async function labelled(
  { gateway, outputs }: Awaited<ReturnType<typeof opened>>,
  count: number,
  truth: (output: OutputEvent, i: number) => string | false | null,
): Promise<OutputEvent[]> {
  await gateway.collection.turnOn('main', { maxBytes: 1 << 24, keepDays: 30, random: { share: 1 } });
  const before = outputs.length;
  const ticks = window + (count - 1) * hop;
  for (let at = 0; at < ticks; at += 8 * hop) {
    gateway.push('s', bytesOf(signal(1, at, Math.min(8 * hop, ticks - at))), { from: at });
    await until(() => outputs.length >= before + Math.max(0, Math.floor((Math.min(at + 8 * hop, ticks) - window) / hop) + 1));
  }
  const slot = gateway.collection.slot('main');
  await slot.settled();
  const mine = outputs.slice(before);
  const kept = slot.windows.list();
  assert.is(kept.length, mine.length);
  for (const [i, { id }] of kept.entries())
    await slot.windows.label(id, { annotator: 'anna', label: truth(mine[i] as OutputEvent, i) });
  return mine;
}

const classOf = ({ values }: OutputEvent): number => argmax(values[0] as Float32Array);
const versionOf = ({ versions }: SlotJudgement, digest: string) => {
  const found = versions.find((one) => one.digest === digest);
  assert.ok(found, 'the version is judged');
  return { ...found, judgement: found.judgement as ClassJudgement };
};

test('a replayed answer has the bytes of the stream, whatever lies around the window; without its context there is none', async () => {
  const it = await opened();
  const pool = new Pool({ budgetMs: 20_000 });
  try {
    await flash(it.gateway, 1);
    const outputs = await labelled(it, 40, () => 'a');
    const { windows } = it.gateway.collection.slot('main');
    const records = await Promise.all(windows.list().map(({ id }) => windows.read(id)));
    const { active } = it.gateway.find('main');
    const found = await replay(pool, active as NonNullable<typeof active>, records);
    assert.ok(Array.isArray(found));
    for (const [i, raw] of (found as Int8Array[]).entries())
      assert.equal([...raw], [...(outputs[i] as OutputEvent).raw], `window ${i}`);
    assert.ok(new Set((found as Int8Array[]).map((raw) => raw.join())).size > 30, 'the outputs differ');

    // warm-up and delay take ticks around the window; a state from before it cannot be replayed
    const record = records[20] as WindowRecord;
    const manifest = active?.manifest as Manifest;
    assert.is(ticksFor(record, manifest)?.length, window * channels);
    const [before, after] = [record.windowFrom - record.from, record.signal.length / channels - window - (record.windowFrom - record.from)]; // biome-ignore format: one line
    assert.equal([before, after], [hop, hop]);
    const warm = ticksFor(record, { ...manifest, warmUpHops: 1 }) as Uint8Array;
    assert.equal([...warm], [...record.signal.subarray(0, (hop + window) * channels)]);
    assert.equal([...(ticksFor(record, { ...manifest, delayFrames: 3 }) as Uint8Array)], [...record.signal.subarray(hop * channels, (hop + window + 3) * channels)]); // biome-ignore format: one line
    assert.is(ticksFor(record, { ...manifest, warmUpHops: 2 }), undefined);
    assert.is(ticksFor(record, { ...manifest, delayFrames: hop + 1 }), undefined);
    assert.is(ticksFor(record, { ...manifest, carriesState: true }), undefined);
    assert.is(ticksFor(record, readManifest((await bundleOf(9, { channels: 5 })).wasm)), undefined, 'another signal');
  } finally {
    await pool.stop();
  }
});

test('figures of a judgement equal those by hand on the same windows, for the running version and one of the pool', async () => {
  const it = await opened();
  const { gateway } = it;
  const first = await flash(gateway, 1);
  await gateway.judging.use('main', { poolBytes: 1 << 20, lastLabels: 50, automatic: false, level: 0.5 });
  const second = await flash(gateway, 2, { labels: names, name: 'second' });
  const third = await flash(gateway, 3, { labels: names, name: 'third' });
  // every fifth is labelled with another class, every seventh is nothing of this, every eleventh is not sure
  const said = (output: OutputEvent, i: number) =>
    i % 11 === 0 ? null : i % 7 === 0 ? false : (names[(classOf(output) + (i % 5 === 0 ? 1 : 0)) % 6] as string);
  const outputs = await labelled(it, 120, said);
  const judged = await gateway.judging.judge('main');
  assert.equal(
    judged.versions.map(({ digest, role, pending }) => [digest, role, pending]),
    [[third, 'running', 0], [second, 'previous', 0], [first, 'pool', 0]], // biome-ignore format: one line
  );
  const sure = outputs
    .map((output, i) => ({ answer: classOf(output), truth: said(output, i) }))
    .filter(({ truth }) => truth !== null);
  const right = sure.filter(({ answer, truth }) => names[answer] === truth).length;
  const confusion = Array.from({ length: 7 }, () => new Array<number>(6).fill(0));
  for (const { answer, truth } of sure) {
    const row = confusion[truth === false ? 6 : names.indexOf(truth as string)] as number[];
    row[answer] = (row[answer] as number) + 1;
  }
  // the three versions are the same network, so the replayed ones have the same figures
  for (const digest of [first, second, third]) {
    const { judgement, names: of, calibration } = versionOf(judged, digest);
    assert.is(judgement.windows, sure.length);
    assert.equal(judgement.accuracy, { value: right / sure.length, interval: wilson(right / sure.length, sure.length) });
    assert.equal(judgement.confusion, confusion);
    assert.equal(judgement.leftOut, { notRandom: 0, noTruth: outputs.length - sure.length, otherKind: 0, noAnswer: 0 });
    assert.equal(of, names);
    assert.is(calibration, undefined, 'a moving average gives no probabilities');
  }
  assert.is(judged.alarm?.state, 'above');
  assert.is(judged.choice?.recommended, third, 'equal versions do not swap');
  assert.is(await gateway.judging.judge('main'), judged, 'nothing has changed');

  // a window that was not drawn at random is left out
  await gateway.collection.turnOn('main', { maxBytes: 1 << 24, keepDays: 30, random: { share: 1e-9, seed: 1 } });
  gateway.collection.ask('main', 1);
  gateway.push('s', bytesOf(signal(1, window + 119 * hop, hop)), { from: window + 119 * hop });
  await until(() => it.outputs.length === 121);
  const slot = gateway.collection.slot('main');
  await slot.settled();
  await slot.windows.label(slot.windows.list(-1, 1e6).at(-1)?.id as number, { annotator: 'anna', label: 'a' });
  const more = versionOf(await gateway.judging.judge('main'), first).judgement;
  assert.equal([more.windows, more.leftOut.notRandom], [sure.length, 1]);
});

test('the alarm is told when its state changes: event, metric, note of the page; and only then', async () => {
  const it = await opened();
  const { gateway } = it;
  const events: JudgedEvent[] = [];
  gateway.events.on('judged', (judged) => events.push(judged));
  const { app } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
  const intake = new Intake(gateway, defaultIntake);
  const tracker = new Tracker(gateway);
  addPage(app, { gateway, intake, tracker, wires: { lines: [] } });
  const knock = knocker(app, new Door({ token: 'a-token-of-this-test' }));
  const headers = { authorization: 'Bearer a-token-of-this-test' };
  const ask = (method: string, path: string, body?: object) =>
    knock(`/v1/slots/main${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;
  assert.is(await codeOf(await ask('GET', '/judgement')), 'RN848');
  const digest = await flash(gateway, 1);
  for (const bad of [{ level: 0 }, { level: 1 }, { level: 'high' }, { maxError: -1 }, { poolBytes: -1 }, { poolBytes: 1e300 }, { lastLabels: 1 }, { automatic: 1 }, { other: true }, { trial: { outputs: 0 } }]) // biome-ignore format: a table
    assert.is(await codeOf(await ask('PUT', '/judgement', bad)), 'RN814', JSON.stringify(bad));
  assert.is((await ask('PUT', '/judgement', { level: 0.9 })).status, 200);
  assert.is((await ask('GET', '/judgement')).status, 200, 'without windows');
  // every third label is of another class
  const outputs = await labelled(it, 90, (output, i) => names[(classOf(output) + (i % 3 === 0 ? 1 : 0)) % 6] as string);
  const answer = (await (await ask('GET', '/judgement')).json()) as SlotJudgement & { settings: object };
  assert.equal(answer.alarm, { state: 'under', needed: 35, digest });
  await ask('GET', '/judgement');
  assert.equal(
    events.map(({ state }) => state),
    ['too few', 'under'],
  );
  const accuracy = outputs.filter((_, i) => i % 3 !== 0).length / outputs.length;
  assert.equal([events[1]?.value, events[1]?.windows, events[1]?.level], [accuracy, 90, 0.9]);
  assert.equal([events[0]?.value, events[0]?.windows], [undefined, 0]);
  assert.ok(tracker.notes.some(({ kind, text }) => kind === 'judged' && text.includes('no window of moving-average')));
  const metrics = await (await knock('/metrics', { headers })).text();
  for (const line of [
    'judged_alarm{slot="main"} 1',
    `judged_windows{slot="main",version="1.1.0",digest="${digest.slice(0, 12)}"} 90`,
    `judged_accuracy{slot="main",version="1.1.0",digest="${digest.slice(0, 12)}",bound="value"} ${accuracy}`,
  ])
    assert.ok(metrics.includes(`runlet_${line}`), line);
  assert.ok(tracker.notes.some(({ kind, bad }) => kind === 'judged' && bad));
  const board = (await (await knock('/v1/board', { headers })).json()) as { slots: { judged: { state: string } }[] };
  assert.equal(
    board.slots.map(({ judged }) => judged.state),
    ['under'],
  );
  assert.is(await codeOf(await ask('POST', `/kept/${'0'.repeat(64)}/trial`)), 'RN804');
  assert.is(await codeOf(await ask('POST', '/kept/x/trial')), 'RN814');
  assert.is(await codeOf(await knock('/v1/slots/main/judgement')), 'RN811', 'without the token');
  tracker.close();
  await intake.close();
});

for (const fails of [false, true])
  test(`a better version of the pool is tried if the operator allowed it; ${fails ? 'a failed trial goes back, and is not repeated' : 'it runs after its trial'}`, async () => {
    const it = await opened();
    const { gateway } = it;
    const right = await flash(gateway, 1);
    await gateway.judging.use('main', { poolBytes: 1 << 20, lastLabels: 50, automatic: false });
    // the self-test of the rotated module must be its own
    const bad = await flash(gateway, 2, wrong({ name: 'rotated', manifest: await ownGolden() }));
    const outputs = await labelled(it, 30, (output) => names[(classOf(output) + 5) % 6] as string);
    await gateway.judging.step('main');
    const { choice } = gateway.judging.latest('main') as SlotJudgement;
    assert.equal([choice?.recommended, choice?.newest, choice?.losses], [right, bad, 0]);
    assert.is(gateway.find('main').active?.digest, bad, 'not without permission');

    const options = { ...trial, seconds: 20, ...(fails && { agreement: 1 }) };
    await gateway.judging.use('main', { poolBytes: 1 << 20, lastLabels: 50, automatic: true, trial: options });
    let done = false;
    const step = gateway.judging.step('main').finally(() => {
      done = true;
    });
    // the trial runs on the live signal
    for (let at = window + (outputs.length - 1) * hop; !done; at += hop) {
      gateway.push('s', bytesOf(signal(1, at, hop)), { from: at });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await step;
    const { active, report, state } = gateway.find('main');
    assert.is(report?.phase, fails ? 'failed' : 'confirmed');
    assert.is(active?.digest, fails ? bad : right);
    if (!fails) {
      assert.is(state.previous?.digest, bad, 'the way back');
      await gateway.rollBack('main');
      assert.is(gateway.find('main').active?.digest, bad);
      return;
    }
    assert.is(report?.failure?.code, 'RN833');
    await gateway.judging.step('main');
    assert.is(gateway.find('main').report, report, 'no second trial');
    assert.is(gateway.judging.latest('main')?.choice?.recommended, bad);
  });

test('a version that hangs on a stored window ends no other, gives no answer, and is not run again', async () => {
  const disk = new CrashDisk();
  const options = { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 400 } };
  const gateway = await Gateway.open(disk, options);
  gateways.push(gateway);
  const outputs: OutputEvent[] = [];
  gateway.events.on('output', (output) => outputs.push(output));
  // it hangs on a value that its own self-test and endurance run do not have in this place
  const magic = 'if (load<i8>(input) == 77 && load<i8>(input + 1) == 78 && load<i8>(input + 2) == 79) {';
  const hangs = await flash(gateway, 1, { labels: names, edit: [['let due: i32 = 0;', `let due: i32 = 0; ${magic} ${loop} }`]] });
  const good = await flash(gateway, 2);
  await gateway.collection.turnOn('main', { maxBytes: 1 << 24, keepDays: 30, random: { share: 1 } });
  const values = signal(1, 0, window + 9 * hop);
  values.set([77, 78, 79], 5 * hop * channels);
  gateway.push('s', bytesOf(values));
  await until(() => outputs.length === 10);
  const slot = gateway.collection.slot('main');
  await slot.settled();
  for (const [i, { id }] of slot.windows.list().entries())
    await slot.windows.label(id, { annotator: 'anna', label: names[classOf(outputs[i] as OutputEvent)] as string });
  const judged = await gateway.judging.judge('main');
  assert.is(versionOf(judged, good).judgement.accuracy.value, 1);
  const { judgement, failure } = versionOf(judged, hangs);
  assert.equal([judgement.windows, judgement.leftOut.noAnswer, failure?.code], [0, 10, 'RN830']);
  gateway.push('s', bytesOf(signal(1, 100, hop)));
  await until(() => outputs.length === 11);
});

/** Returns an edit of the manifest: the golden digest of the rotated outputs. */
async function ownGolden(): Promise<(m: Manifest) => Manifest> {
  const { goldenBytes } = await import('../../host/session/self-test.ts');
  const { reference, sha256 } = await import('../host/tiny-bundle.ts');
  const next = goldenBytes(7);
  const frames = Int8Array.from({ length: 16 * hop * channels }, () => next());
  const outputs = reference(frames, channels).map((one) =>
    Int8Array.from(one, (_, i) => one[(i + channels - 1) % channels] as number),
  );
  const golden = { seed: 7, hops: 16, outputs: outputs.length, digest: sha256(outputs) };
  return (m) => ({ ...m, name: 'rotated', version: '1.2.0', sequence: 2, golden, stateDigest: '1'.repeat(64) });
}

test.run();
