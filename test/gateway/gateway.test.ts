/**
 * A gateway from end to end in one process: manual trials, automatic rollback of a module that misbehaves,
 * safe mode, frames and outputs over HTTP.
 */

import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway, type GatewayOptions } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { RateLimit } from '../../host/gateway/http/guard.ts';
import type { OutputEvent, StepEvent } from '../../host/gateway/hub/events.ts';
import { codeOf } from '../host/helpers.ts';
import { bundleOf, bytesOf, expected, keys, signal } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';
import { knocker } from './knock.ts';

const all = (n: number) => n;
const quick = { enduranceHops: 50, outputs: 2, seconds: 20 };
const until = async (done: () => boolean): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    if (wait > 3000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

async function opened(disk = new CrashDisk(), options: GatewayOptions = {}) {
  const gateway = await Gateway.open(disk, {
    policy: { keys: [keys.publicKey] },
    pool: { threads: 1, budgetMs: 800 },
    ...options,
  });
  const outputs: OutputEvent[] = [];
  const steps: StepEvent[] = [];
  gateway.events.on('output', (output) => outputs.push(output));
  gateway.events.on('step', (step) => steps.push(step));
  return { gateway, outputs, steps, disk };
}

type Flashing = Parameters<typeof bundleOf>[1];
async function flash(gateway: Gateway, sequence: number, options: Flashing = {}, trial: object = quick) {
  const { wasm, digest } = await bundleOf(sequence, options);
  await gateway.receive(wasm, digest);
  return gateway.try('main', trial);
}

/** Returns a function that pushes the next frames of a stream. */
const feeder = (gateway: Gateway, stream: string, number: number) => {
  let at = 0;
  return (frames: number) => {
    gateway.push(stream, bytesOf(signal(number, at, frames)), { from: at });
    at += frames;
    return at;
  };
};

const same = (outputs: OutputEvent[], number: number, frames: number): void => {
  const want = expected(number, frames);
  assert.equal(
    outputs.map(({ sequence, frame }) => [sequence, frame]),
    want.map((_, n) => [n, 8 + 4 * n]),
  );
  assert.equal(
    outputs.map(({ raw }) => [...raw]),
    want.map((raw) => [...raw]),
  );
};

/** Returns a module that breaks when a channel has the value 99, which its self-test does not use. */
const breaksOn = (what: string): Flashing => ({
  edit: [['let due: i32 = 0;', `let due: i32 = 0; if (load<i32>(input) == 0x63636363) { ${what} }`]],
});

for (const [what, code, body] of [
  ['traps', 'RN831', 'unreachable();'],
  ['loops for ever', 'RN830', 'while (load<i32>(state) != 7) store<i32>(state, load<i32>(state) | 1);'],
] as const)
  test(`a confirmed module that ${what} is rolled back automatically, and no output is lost`, async () => {
    const { gateway, outputs, steps } = await opened();
    await flash(gateway, 1);
    const feed = feeder(gateway, 'wrist', 3);
    feed(100);
    assert.is((await flash(gateway, 2, breaksOn(body))).phase, 'confirmed');
    feed(60);
    assert.is(gateway.find('main').state.active?.sequence, 2);
    // the frame that breaks the module comes on another stream
    gateway.push('ankle', new Uint8Array(48).fill(99));
    gateway.push('ankle', bytesOf(signal(5, 8, 72)));
    await until(() => gateway.find('main').state.active?.sequence === 1);
    feed(60);
    await until(() => outputs.filter(({ stream }) => stream === 'wrist').length >= 54);
    same(
      outputs.filter(({ stream }) => stream === 'wrist'),
      3,
      220,
    );
    await until(() => outputs.filter(({ stream }) => stream === 'ankle').length >= 19);
    const { last, floor, previous } = gateway.find('main').state;
    assert.equal([last?.result, last?.code, floor, previous], ['reverted', code, 2, undefined]);
    assert.ok(steps.some(({ step, failure }) => step === 'rolled back' && failure?.code === code));
    assert.is(await codeOf(() => flash(gateway, 2, breaksOn(body))), 'RN817', 'it cannot come back');
    await gateway.close();
  });

test('without a previous bundle, a failed stream is restarted by replay, and given up after three restarts', async () => {
  const { gateway } = await opened();
  await flash(gateway, 1, breaksOn('unreachable();'));
  const states: string[] = [];
  gateway.events.on('stream', ({ stream, state }) => stream === 'bad' && states.push(state));
  gateway.push('good', bytesOf(signal(1, 0, 8)));
  gateway.push('bad', new Uint8Array(48).fill(99));
  await until(() => states.includes('failed'));
  assert.equal(states, ['opened', 'restarted', 'restarted', 'restarted', 'failed']);
  assert.is(await codeOf(() => gateway.push('bad', new Uint8Array(48))), 'RN831');
  gateway.push('good', bytesOf(signal(1, 8, 8)));
  await until(() => gateway.outputs('good').length === 3);
  gateway.closeStream('bad');
  assert.equal(
    gateway.streamStatus().map(({ stream }) => stream),
    ['good'],
  );
  await gateway.close();
});

test('with --no-confirm a bundle waits for confirmation or rollback by hand, also across a restart', async () => {
  const { gateway, outputs, disk } = await opened();
  await flash(gateway, 1);
  const feed = feeder(gateway, 'wrist', 0);
  feed(40);
  for (const [sequence, end] of [
    [2, 'rollback'],
    [3, 'confirm'],
  ] as const) {
    const trying = flash(gateway, sequence, {}, { ...quick, confirm: false });
    await until(() => gateway.find('main').report?.phase === 'live' && gateway.find('main').report?.sequence === sequence);
    feed(40);
    assert.is((await trying).phase, 'passed');
    assert.equal([gateway.find('main').state.active?.sequence, gateway.find('main').state.trial], [1, true]);
    assert.is(await codeOf(() => flash(gateway, 9)), 'RN804', 'one at a time');
    feed(40);
    if (end === 'confirm') await gateway.confirm();
    else await gateway.rollBack();
    feed(40);
    assert.is(gateway.find('main').state.active?.sequence, end === 'confirm' ? 3 : 1);
  }
  await until(() => outputs.length >= (280 - 8) / 4 + 1);
  same(outputs, 0, 280);
  await gateway.rollBack();
  assert.is(gateway.find('main').state.active?.sequence, 1);
  void flash(gateway, 4, {}, { ...quick, confirm: false }).catch(() => {});
  await until(() => gateway.find('main').state.trial);
  const again = await opened(disk.survivor(all, all));
  const { active, last, trial, floor } = again.gateway.find('main').state;
  assert.equal([active?.sequence, last?.code, trial, floor], [1, 'RN801', false, 3]);
  await Promise.all([gateway.close(), again.gateway.close()]);
});

test('safe mode runs the confirmed bundle and refuses trials until it is ended', async () => {
  let { disk, gateway } = await opened();
  await flash(gateway, 1);
  await gateway.close();
  for (let crash = 0; crash < 4; crash++) ({ disk, gateway } = await opened(disk.survivor(all, all)));
  assert.ok(gateway.status().safeMode);
  gateway.push('wrist', bytesOf(signal(0, 0, 12)));
  await until(() => gateway.outputs('wrist').length === 2);
  assert.is(await codeOf(() => flash(gateway, 2)), 'RN840');
  await gateway.store.leaveSafeMode();
  assert.is(gateway.find('main').state.staged?.sequence, 2, 'it was staged');
  const trying = gateway.try('main', quick);
  const feeding = setInterval(() => gateway.push('wrist', bytesOf(signal(0, 0, 8))), 30);
  assert.is((await trying).phase, 'confirmed');
  clearInterval(feeding);
  await gateway.close();
});

test('over HTTP, repeated frames are left out and missing ones refused; outputs continue after Last-Event-ID', async () => {
  const { gateway } = await opened();
  const { app } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
  const push = async (path: string, body: Uint8Array) => {
    const response = await app.request(`/v1/streams/${path}`, { method: 'POST', body: body as BodyInit });
    const answer = (await response.json()) as { next?: number; error?: { code: string } };
    return answer.next ?? answer.error?.code;
  };
  const frames = (from: number, count: number) => bytesOf(signal(7, from, count));
  assert.is(await push('s/frames', frames(0, 8)), 'RN846');
  assert.equal([(await app.request('/healthz')).status, (await app.request('/readyz')).status], [200, 503]);
  await flash(gateway, 1);
  assert.is((await app.request('/readyz')).status, 200);
  assert.is(await push('s/frames', frames(0, 8).slice(1)), 'RN842');
  assert.is(await push('s/frames?from=4', frames(4, 8)), 'RN843');
  assert.is(await push('s/frames?from=x', frames(0, 8)), 'RN814');
  assert.is(await push('s%2f/frames', frames(0, 8)), 'RN805');
  assert.is(await push('s/frames', new Uint8Array((1 << 20) + 6)), 'RN814');
  assert.equal(gateway.streamStatus(), [], 'what was refused began no stream');
  assert.is(await push('s/frames?from=0', frames(0, 20)), 20);
  assert.is(await push('s/frames?from=10', frames(10, 20)), 30);
  assert.is(await push('s/frames?from=0', frames(0, 20)), 30);
  assert.is(await push('s/frames?slot=other', frames(30, 4)), 'RN847');
  await until(() => gateway.outputs('s').length === 6);
  same(gateway.outputs('s'), 7, 30);
  assert.is(await codeOf(() => gateway.outputs('nobody')), 'RN848');
  const response = await app.request('/v1/streams/s/outputs', { headers: { 'last-event-id': '3' } });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  const read = async (events: number) => {
    while ((text.match(/^id: /gm) ?? []).length < events) {
      const { value, done } = await reader.read();
      assert.not.ok(done, 'the events have ended');
      text += new TextDecoder().decode(value);
    }
  };
  await read(2);
  await push('s/frames', frames(30, 8));
  await read(4);
  await reader.cancel();
  assert.equal(text.match(/^id: .*/gm), ['id: 4', 'id: 5', 'id: 6', 'id: 7']);
  const [first] = (text.match(/^data: (.*)/m) as RegExpMatchArray).slice(1);
  const want = [...(expected(7, 38)[4] as Int8Array)].map((q) => q * 0.5);
  assert.equal(JSON.parse(first as string).values, [want]);
  await gateway.close();
});

test('an upload resumes, the request rate is limited, and an unsigned bundle is accepted only if the policy allows it', async () => {
  const { gateway } = await opened(new CrashDisk(), { policy: { insecureUnsigned: true } });
  const { app } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
  const knock = knocker(app, new Door({ requestsPerMinute: 20 }));
  const { wasm, digest } = await bundleOf(1);
  const begun = await knock('/v1/uploads', { method: 'POST', headers: { 'upload-length': `${wasm.length}` } });
  const location = begun.headers.get('location') as string;
  assert.is(begun.headers.get('runlet-insecure'), 'unsigned bundles are accepted');
  const broken = new ReadableStream({
    start(controller) {
      controller.enqueue(wasm.slice(0, 300));
      setTimeout(() => controller.error(new Error('the line broke')), 50);
    },
  });
  const first = await knock(location, { method: 'PATCH', body: broken, duplex: 'half' } as RequestInit);
  assert.is(first.status, 500);
  const where = await knock(location);
  assert.equal([where.status, where.headers.get('upload-offset'), where.headers.get('range')], [204, '300', '0-299']);
  const rest = await knock(location, {
    method: 'PATCH',
    body: wasm.slice(300, 900),
    headers: { 'content-range': '300-899' },
  });
  assert.equal([rest.status, rest.headers.get('upload-offset')], [202, '900']);
  const ended = await knock(`${location}?digest=sha256:${digest}`, { method: 'PUT', body: wasm.slice(900) });
  assert.is(ended.status, 201);
  assert.is(gateway.status().slots[0]?.staged?.keyId, undefined);
  assert.ok(gateway.status().insecureUnsigned);
  let status = 0;
  for (let n = 0; n < 25; n++)
    status = (await knock('/v1/uploads', { method: 'POST', headers: { 'upload-length': 'x' } })).status;
  assert.is(status, 429);
  let now = 0;
  const limit = new RateLimit(60, 2, () => now);
  limit.take('a');
  limit.take('a');
  assert.is(await codeOf(() => limit.take('a')), 'RN812');
  limit.take('b');
  now = 1100;
  limit.take('a');
  await gateway.close();
});

test.run();
