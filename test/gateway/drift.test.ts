/**
 * Drift on a gateway: off at first, refused settings, learn, alarm with its cause everywhere, restart, off.
 */
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import type { DriftEvent } from '../../host/gateway/hub/events.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { defaultIntake, Intake } from '../../host/gateway/streams/intake.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import { correlated } from '../learn/drift-signals.ts';
import { bundleOf, bytesOf, channels, hop, keys, window } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';
import { knocker } from './knock.ts';

const token = 'a-token-of-this-test';
const withToken = { authorization: `Bearer ${token}` };
/** 64 blocks of 100 ticks at 100 Hz. */
const [blockTicks, settings] = [100, { referenceS: 64 }];
const labels = ['a', 'b', 'c', 'd', 'e', 'f'];

async function opened(disk: CrashDisk) {
  const gateway = await Gateway.open(disk, { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 20_000 } });
  const logged: string[] = [];
  const { app } = gatewayApp({ gateway, log: pino({ level: 'trace' }, { write: (line: string) => logged.push(line) }) });
  const tracker = new Tracker(gateway);
  addPage(app, { gateway, intake: new Intake(gateway, defaultIntake), tracker, wires: { lines: [] } });
  const knock = knocker(app, new Door({ token }));
  const ask = (method: string, path: string, body?: object) =>
    knock(path, { method, headers: withToken, ...(body && { body: JSON.stringify(body) }) });
  const events: DriftEvent[] = [];
  gateway.events.on('drift', (event) => events.push(event));
  const outputs: number[] = [];
  gateway.events.on('output', ({ sequence }) => outputs.push(sequence));
  return { gateway, disk, ask, events, outputs, tracker, logged };
}
type Opened = Awaited<ReturnType<typeof opened>>;

async function until(done: () => boolean): Promise<void> {
  for (let wait = 0; !done(); wait++) {
    if (wait > 6000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const source = correlated(11, 0.95, channels);
/** Channels of correlated noise, about 10 to 40 units. @param gain of all channels */
const ticks = (count: number, gain = 1) =>
  Int8Array.from(source(count), (x) => Math.max(-128, Math.min(127, Math.round(gain * 14 * x))));

let fed = 0;
async function feed({ gateway, outputs }: Opened, blocks: number, gain = 1): Promise<void> {
  for (let block = 0; block < blocks; block++) {
    gateway.push('s', bytesOf(ticks(blockTicks, gain)), { from: fed });
    fed += blockTicks;
    const before = outputs.length;
    await until(() => outputs.length >= before + 1 && gateway.streams.get('s')?.waiting === fed % hop);
    // the signal is read after the outputs
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
const json = async (response: Response | Promise<Response>) => (await (await response).json()) as Record<string, never>;
const codeOf = async (response: Response | Promise<Response>) =>
  ((await json(response)) as unknown as { error: { code: string } }).error.code;

const first = await opened(new CrashDisk());
const { wasm, digest } = await bundleOf(1, { labels });
await first.gateway.receive(wasm, digest);
await first.gateway.try('main', { enduranceHops: 20, outputs: 2, seconds: 20 });

test('detection is off at first; hostile settings and references that are too short are refused', async () => {
  assert.equal(await json(first.ask('GET', '/v1/slots/main/drift')), { slot: 'main', on: false });
  assert.is((await json(first.ask('GET', '/v1/slots/main'))).drift, undefined);
  for (const wrong of [
    { referenceS: 1 },
    { referenceS: 1e12 },
    { referenceS: '3600' },
    { falseAlarmsPerDay: 0 },
    { falseAlarmsPerDay: null },
    { streams: 1e9 },
    { rateHz: -1 },
    { sometimes: true },
  ])
    assert.is(await codeOf(first.ask('PUT', '/v1/slots/main/drift', wrong)), 'RN814', JSON.stringify(wrong));
  assert.is(await codeOf(first.ask('PUT', '/v1/slots/main/drift', { referenceS: 10 })), 'RN892');
  assert.is(await codeOf(first.ask('PUT', '/v1/slots/other/drift', settings)), 'RN848');
  assert.is((await first.ask('DELETE', '/v1/slots/main/drift')).status, 200);
  assert.not.ok(first.disk.files().some((path) => path.startsWith('drift/')));
});

test('a stream takes its reference; a gain is an alarm on events, page, metrics, and keeps windows; nothing is lost', async () => {
  const on = await first.ask('PUT', '/v1/slots/main/drift', settings);
  assert.is(on.headers.get('cache-control'), 'no-store');
  await first.gateway.collection.turnOn('main', { maxBytes: 1 << 24, keepDays: 30, drift: { perDay: 1200 } });
  await feed(first, 30);
  const { streams } = first.gateway.drift.status('main') as { streams?: { state: string; learned: number }[] };
  assert.is(streams?.[0]?.state, 'learning');
  assert.ok(Math.abs((streams?.[0]?.learned as number) - 30 / 64) < 2 / 64);
  await feed(first, 45);
  assert.equal(first.events, [{ slot: 'main', stream: 's', state: 'learned' }]);
  await first.gateway.drift.settled();
  assert.ok(first.disk.files().includes('drift/main/ref-s'));

  await feed(first, 8, 0.5);
  const [, begins] = first.events;
  assert.equal([begins?.state, begins?.stream, begins?.cause], ['begins', 's', 'gain']);
  assert.ok((begins?.channels?.length as number) >= channels / 2);
  await first.gateway.collection.slot('main').settled();
  const kept = first.gateway.collection.slot('main').windows.list();
  assert.ok(kept.length > 0);
  const record = await first.gateway.collection.slot('main').windows.read(kept[0]?.id as number);
  assert.match(record.why as string, /^gain /);
  const status = (await json(first.ask('GET', '/v1/slots/main'))) as unknown as {
    drift: { streams: { state: string; cause: string }[] };
  };
  assert.equal([status.drift.streams[0]?.state, status.drift.streams[0]?.cause], ['drifted', 'gain']);
  const metrics = await (await first.ask('GET', '/metrics')).text();
  assert.match(metrics, /runlet_drift_alarms_total\{slot="main",cause="gain"\} 1/);
  assert.match(metrics, /runlet_drift_streams\{slot="main",state="drifted"\} 1/);
  assert.ok(first.tracker.notes.some(({ kind, bad, text }) => kind === 'drift' && bad && text.includes('gain')));

  await feed(first, 12);
  assert.is(first.events.at(-1)?.state, 'ends');
  assert.equal(
    first.outputs,
    Array.from({ length: Math.floor((fed - window) / hop) + 1 }, (_, i) => i),
  );
  assert.not.ok(first.logged.some((line) => /"values"|"signal"/.test(line)));
});

test('the reference survives a start: the stream is watched at once', async () => {
  await first.gateway.close();
  const second = await opened(
    first.disk.survivor(
      (n) => n,
      (n) => n,
    ),
  );
  fed = 0;
  await feed(second, 10, 0.6);
  assert.equal(
    second.events.map(({ state, cause }) => [state, cause]),
    [['begins', 'gain']],
  );

  // labels of windows that were taken at random judge the answers; others do not
  await second.gateway.collection.turnOn('main', { maxBytes: 1 << 24, keepDays: 30, random: { share: 1 } });
  await feed(second, 1);
  await second.gateway.collection.slot('main').settled();
  const windows = second.gateway.collection.slot('main').windows.list(undefined, 1000);
  const label = (id: number, text: string | null) =>
    second.ask('POST', `/v1/slots/main/windows/${id}/labels`, { annotator: 'one', label: text });
  const byChance = windows.filter(({ reasons }) => reasons.includes('random'));
  const other = windows.find(({ reasons }) => !reasons.includes('random'));
  if (other) await label(other.id, 'a');
  await label(byChance[0]?.id as number, null);
  const slot = second.gateway.drift.slots.get('main');
  assert.is(slot?.error.length, 0);
  for (const { id } of byChance.slice(0, 6)) await label(id, 'a');
  // labels of files come many at a time
  const sent = byChance.slice(6, 12).map(({ id }) => ({ window: id, annotator: 'one', label: 'a', seconds: 1 }));
  await second.ask('POST', '/v1/slots/main/labels', { labels: sent });
  await label(byChance[1]?.id as number, 'b');
  assert.is(slot?.error.length, 12, 'each window once');
  for (let i = 0; i < 200; i++) slot?.see(0);
  for (let i = 0; i < 100; i++) slot?.see(1);
  const rise = second.events.at(-1);
  assert.equal([rise?.state, rise?.cause, rise?.stream], ['begins', 'error', undefined]);

  // a model that runs for a shorter reference is refused; off removes the references
  assert.is((await second.ask('DELETE', '/v1/slots/main/drift')).status, 200);
  assert.not.ok(second.disk.files().some((path) => path.startsWith('drift/main/ref-')));
  await second.gateway.close();
  const third = await opened(
    second.disk.survivor(
      (n) => n,
      (n) => n,
    ),
  );
  assert.is(third.gateway.drift.status('main').on, false);
  await third.gateway.close();
});

test('only so many streams are watched, and a damaged reference is not used', async () => {
  const fourth = await opened(
    first.disk.survivor(
      (n) => n,
      (n) => n,
    ),
  );
  await fourth.gateway.drift.turnOn('main', { referenceS: 64, falseAlarmsPerDay: 1, streams: 2 });
  for (const id of ['a', 'b', 'c', 'd']) fourth.gateway.push(id, bytesOf(ticks(window)));
  await until(() => fourth.outputs.length === 4);
  const counts = () => fourth.gateway.drift.status('main') as unknown as { learning: number; unwatched: number };
  assert.equal([counts().learning, counts().unwatched], [2, 2]);
  fourth.gateway.closeStream('a');
  fourth.gateway.closeStream('c');
  fourth.gateway.push('e', bytesOf(ticks(window)));
  await until(() => fourth.outputs.length === 5);
  assert.equal([counts().learning, counts().unwatched], [2, 1]);
  const file = await fourth.disk.create('drift/main/ref-x');
  await file.write(new TextEncoder().encode('{"digest":"","reference":{"channels":99999}}'));
  await file.close();
  await fourth.gateway.close();
  const fifth = await opened(
    fourth.disk.survivor(
      (n) => n,
      (n) => n,
    ),
  );
  assert.is(fifth.gateway.drift.slots.size, 0, 'off in this slot, and the gateway runs');
  await fifth.gateway.close();
});

test.run();
