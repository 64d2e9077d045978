/**
 * Frames over WebSocket, MQTT and lines. Every wire gives the outputs of the same signal. Lost ticks are
 * filled, flagged and counted, or restart the signal; a timestamp is that of an output's last frame; overload
 * is shed and reported. MQTT runs against aedes here, and against mosquitto if it is installed
 * (scripts/gateway-load.ts).
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import fc from 'fast-check';
import mqtt from 'mqtt';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { protocolsFor } from '../../host/gateway/http/guard.ts';
import { serve } from '../../host/gateway/http/serve.ts';
import { Intake, type IntakeOptions } from '../../host/gateway/streams/intake.ts';
import { cobs, readLines, tickOf, uncobs } from '../../host/gateway/streams/lines.ts';
import { connectMqtt, mqttTopics } from '../../host/gateway/streams/mqtt.ts';
import { attachWebSockets } from '../../host/gateway/streams/websocket.ts';
import { type OutputMessage, readFrames, readOutput, writeFrames, writeOutput } from '../../host/gateway/streams/wire.ts';
import { bundleOf, bytesOf, channels, digestOf, expected, hop, keys, signal, window } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const log = pino({ level: 'silent' });
const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
console.log(`  RUNLET_SEED=${seed}`);
const ticks = (from: number, count: number) => bytesOf(signal(1, from, count));
const until = async (done: () => boolean): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    if (wait > 3000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

interface Begun {
  gateway: Gateway;
  intake: Intake;
  close(): Promise<void>;
}

/** Limits for the tests without overload. */
const roomy = { maxWaitingHops: 1000, maxLagMs: 60_000 };

async function begun(options: Partial<IntakeOptions> = {}): Promise<Begun> {
  const gateway = await Gateway.open(new CrashDisk(), {
    policy: { keys: [keys.publicKey] },
    pool: { threads: 1, budgetMs: 20_000 },
  });
  const { wasm } = await bundleOf(1);
  await gateway.receive(wasm, digestOf(wasm));
  assert.is((await gateway.try()).phase, 'confirmed');
  const intake = new Intake(gateway, { ...roomy, ...options });
  const close = async () => {
    intake.close();
    await gateway.close();
  };
  return { gateway, intake, close };
}

const outputOf = (gateway: Gateway): PortManifest => gateway.find('main').active?.manifest.outputs.at(0) as PortManifest;

/** Checks outputs that came over a wire against an uninterrupted run. */
function sameAsEver(outputs: OutputMessage[], scale: number, zeroPoint: number, frames: number): void {
  const want = expected(1, frames);
  assert.is(outputs.length, want.length);
  for (const [n, { sequence, tick, values }] of outputs.entries()) {
    assert.is(sequence, n);
    assert.is(tick, hop * n + window - 1);
    assert.equal(
      [...values],
      [...(want[n] as Int8Array)].map((q) => Math.fround(Math.fround(scale) * (q - zeroPoint))),
    );
  }
}

test('a message is read as it was written, and a damaged one is refused', () => {
  const message = fc.record({
    stream: fc.option(fc.stringMatching(/^[a-z0-9]{1,64}$/), { nil: undefined }),
    from: fc.option(fc.nat(2 ** 52), { nil: undefined }),
    timestampMs: fc.option(fc.nat(2 ** 42), { nil: undefined }),
    bytes: fc.uint8Array({ maxLength: 64 }),
  });
  const frames = fc.property(message, (one) => {
    const written = writeFrames(one);
    const found = readFrames(written);
    for (const key of ['stream', 'from', 'timestampMs'] as const) assert.is(found[key], one[key]);
    assert.equal([...found.bytes], [...one.bytes]);
    assert.is(found.bytes.byteOffset % 4, 0);
  });
  fc.assert(frames, { seed, numRuns: 300 });
  const damaged = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    try {
      readFrames(bytes);
    } catch (error) {
      assert.is((error as { code: string }).code, 'RN870');
    }
  });
  fc.assert(damaged, { seed, numRuns: 1000 });
  const output = { stream: 'x', sequence: 2 ** 40 + 1, tick: 77, timestampMs: 1_700_000_000_123, digest: '00ab12cd', filled: 3 };
  assert.equal(readOutput(writeOutput('x', { ...output, values: Float32Array.of(1, -2) })), {
    ...output,
    values: Float32Array.of(1, -2),
  });
});

test('COBS output has no zero byte and decodes to its input', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 700 }), fc.boolean(), (bytes, dense) => {
    const message = dense ? bytes.map((b) => b | 1) : bytes;
    const packed = cobs(message);
    assert.not.ok(packed.includes(0));
    assert.equal([...(uncobs(packed) as Uint8Array)], [...message]);
  });
  fc.assert(property, { seed, numRuns: 500 });
});

const token = 'a-token-of-some-length';
const headers = { Authorization: `Bearer ${token}` };

/** Checks that sockets with a missing or misplaced token, or another origin or path, are refused. */
async function refusesOthers(address: string): Promise<void> {
  for (const [path, options, status] of [
    [address, {}, '401'],
    [address, { headers: { ...headers, Origin: 'http://elsewhere.example' } }, '403'],
    [address.replace('/v1/ws', '/v1/other'), { headers }, '404'],
  ] as const) {
    const [error] = (await once(new WebSocket(path, options), 'error')) as [Error];
    assert.match(error.message, status);
  }
  for (const offered of [
    ['runlet.v1'],
    ['runlet.v1', 'runlet.bearer.'],
    ['runlet.v1', `${protocolsFor('another-token-of-some-length')[1]}`],
    ['runlet.v1', `runlet.bearer.${token}`],
    // only the token, the token twice, or under another name
    protocolsFor(token).slice(1),
    [...protocolsFor(token), 'runlet.bearer.AAAA'],
    ['runlet.v1', `bearer.${Buffer.from(token).toString('base64url')}`],
  ]) {
    const [error] = (await once(new WebSocket(address, offered), 'error')) as [Error];
    assert.match(error.message, '401', offered.join());
  }
  // the address never carries the token, and nothing makes up for a wrong header
  for (const query of ['token', 'access_token', 'bearer']) {
    const [error] = (await once(new WebSocket(`${address}?${query}=${token}`), 'error')) as [Error];
    assert.match(error.message, '401');
  }
  const wrong = { headers: { Authorization: 'Bearer nonsense' } };
  assert.match(((await once(new WebSocket(address, protocolsFor(token), wrong), 'error')) as [Error])[0].message, '401');
}

/** Checks that the token is accepted as a subprotocol, before or after the protocol itself. */
async function takesProtocols(address: string): Promise<void> {
  for (const offered of [protocolsFor(token), protocolsFor(token).reverse()]) {
    const socket = new WebSocket(address, offered);
    const [[{ headers: answer }]] = (await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])) as [
      [{ headers: Record<string, string> }],
      unknown,
    ];
    assert.is(answer['sec-websocket-protocol'], 'runlet.v1', 'what carries the token is not said again');
    assert.not.match(JSON.stringify(answer), 'bearer');
    socket.close();
    await once(socket, 'close');
  }
}

test('a WebSocket carries the frames of two streams and outputs, refusals are text, and other origins are refused', async () => {
  const { gateway, intake, close } = await begun();
  const { app, uploads } = gatewayApp({ gateway, log });
  const served = await serve({ app, door: new Door({ token }), host: '127.0.0.1', port: 0 });
  const sockets = attachWebSockets(served, intake);
  const address = `${served.url.replace('http', 'ws')}/v1/ws`;
  await refusesOthers(address);
  await takesProtocols(address);
  const [own, all] = ['own', 'all'].map((outputs) => new WebSocket(`${address}?outputs=${outputs}`, { headers })) as [
    WebSocket,
    WebSocket,
  ];
  const found = { own: [] as OutputMessage[], all: [] as OutputMessage[], errors: [] as string[] };
  own.on('message', (data: Buffer, binary) => (binary ? found.own.push(readOutput(data)) : found.errors.push(data.toString())));
  all.on('message', (data: Buffer) => found.all.push(readOutput(data)));
  await Promise.all([once(own, 'open'), once(all, 'open')]);
  for (let at = 0; at < 120; at += 3)
    for (const stream of ['a', 'b'])
      own.send(writeFrames({ stream, from: at, timestampMs: 1e12 + 10 * at, bytes: ticks(at, 3) }));
  own.send(writeFrames({ stream: 'a', from: 120, bytes: new Uint8Array(5) }));
  own.send('text');
  const want = expected(1, 120).length;
  await until(() => found.own.length === 2 * want && found.all.length === 2 * want && found.errors.length === 2);
  const { scale, zeroPoint } = outputOf(gateway);
  for (const name of ['a', 'b']) {
    const mine = found.own.filter(({ stream }) => stream === name);
    sameAsEver(mine, scale, zeroPoint, 120);
    // 100 Hz: a tick every 10 ms, from the timestamp of its message
    for (const { tick, timestampMs } of mine) assert.is(timestampMs, 1e12 + 10 * tick);
  }
  assert.equal(found.errors.map((text) => JSON.parse(text).error.code).sort(), ['RN842', 'RN870']);
  sockets.stop();
  await served.stop();
  await uploads.close();
  await close();
});

test('over MQTT, reordered and repeated messages give the outputs of the signal, and the status is online or offline', async () => {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { gateway, intake, close } = await begun({ reorderTicks: 24 });
  const topics = mqttTopics('g1');
  const client = await mqtt.connectAsync(url);
  const [states, drifts, outputs] = [[] as string[], [] as string[], [] as OutputMessage[]];
  client.on('message', (topic, payload) => {
    if (topic === topics.status || topic === topics.judged('main')) states.push(payload.toString());
    else if (topic === topics.drift) drifts.push(payload.toString());
    else outputs.push(readOutput(payload));
  });
  const told = [topics.status, topics.drift, topics.judged('main'), 'runlet/g1/streams/+/outputs'];
  await client.subscribeAsync(told, { qos: 1 });
  const wire = await connectMqtt(intake, { url, id: 'g1', qos: 1 }, log);
  await until(() => states.includes('online'));
  const send = (at: number) =>
    client.publishAsync(topics.frames('m'), Buffer.from(writeFrames({ from: at, bytes: ticks(at, 4) })), { qos: 1 });
  await send(0);
  // pairs are swapped, and every fifth message comes twice
  for (let at = 4; at < 204; at += 8) for (const one of [at + 4, at, ...(at % 20 === 4 ? [at] : [])]) await send(one);
  await until(() => outputs.length === expected(1, 204).length);
  const { scale, zeroPoint } = outputOf(gateway);
  sameAsEver(outputs, scale, zeroPoint, 204);
  const { lost, late, duplicate, reordered } = intake.counts();
  assert.equal({ lost, late, duplicate, reordered }, { lost: 0, late: 0, duplicate: 20, reordered: 100 });
  gateway.events.emit('drift', { slot: 'main', stream: 'm', state: 'begins', cause: 'gain', channels: ['x 0'] });
  await until(() => drifts.length === 1);
  assert.equal(JSON.parse(drifts[0] as string), { slot: 'main', stream: 'm', state: 'begins', cause: 'gain', channels: ['x 0'] });
  await client.publishAsync(topics.frames('no/such'), Buffer.from('noise'));
  const about = { slot: 'main', digest: 'ab', name: 'heart', version: '1.0.0', windows: 90 };
  const judged = { ...about, state: 'under', what: 'accuracy', value: 0.6, level: 0.9 } as const;
  gateway.events.emit('judged', judged);
  await until(() => states.includes(JSON.stringify(judged)));
  await wire.stop();
  await until(() => states.includes('offline'));
  await client.endAsync();
  server.close();
  broker.close();
  await close();
});

test('an absent broker is RN871', async () => {
  const { intake, close } = await begun();
  for (const url of ['mqtt://127.0.0.1:1', 'no address'])
    try {
      await connectMqtt(intake, { url, id: 'g1', qos: 0 }, log);
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code: string }).code, 'RN871', String(error));
    }
  await close();
});

test('lines of numbers between noise, and binary messages between noise, are taken as frames', async () => {
  for (const format of ['csv', 'binary'] as const) {
    const { gateway, intake, close } = await begun();
    const outputs: OutputMessage[] = [];
    gateway.events.on('output', (output) => outputs.push(intake.decorate(output)));
    const line = (n: number) => Buffer.from(`${n},${[...signal(1, n, 1)].join(',')}\r\n`);
    const message = (n: number) => Buffer.from([...cobs(writeFrames({ from: n, bytes: ticks(n, 1) })), 0]);
    const noise = Buffer.from(format === 'csv' ? '7,1,2\nx,y,z,0,0,0,0\n' : [7, 7, 7, 0, 1, 200, 0]);
    const all = Buffer.concat([noise, ...Array.from({ length: 50 }, (_, n) => (format === 'csv' ? line : message)(n)), noise]);
    async function* pieces() {
      for (let at = 0; at < all.length; at += 11) yield all.subarray(at, at + 11);
    }
    const counts = await readLines(intake, pieces(), { stream: 'l', format, numbered: true, patient: true });
    assert.equal(counts, { lines: 54, bad: 4 });
    await until(() => outputs.length === expected(1, 50).length);
    const { scale, zeroPoint } = outputOf(gateway);
    sameAsEver(outputs, scale, zeroPoint, 50);
    await close();
  }
  const inputs = [{ hostType: 'int8', elements: 2 }] as never;
  assert.is(tickOf({ inputs }, [1, 128]), undefined);
  assert.is(tickOf({ inputs }, [1]), undefined);
  assert.equal(tickOf({ inputs }, [1, -128]), Uint8Array.of(1, 128));
});

test('filled outputs are flagged and equal those of the filled signal; a long gap restarts the signal, also during a swap', async () => {
  const { gateway, intake, close } = await begun({ reorderTicks: 0, gapLimitTicks: 6 });
  const outputs: (OutputMessage & { raw: number[] })[] = [];
  gateway.events.on('output', (output) => outputs.push({ ...intake.decorate(output), raw: [...output.raw] }));
  const send = (from: number, count: number) =>
    intake.take({ stream: 'g', from, timestampMs: 1e12 + 10 * from, bytes: ticks(from, count) });
  const sum = (values: Int8Array[]) =>
    Array.from({ length: channels }, (_, c) => values.reduce((s, v) => s + (v[c] as number), 0) >> 3);
  send(1000, 10);
  // 5 ticks are lost and filled by hold; the second message confirms the number of the first
  send(1015, 5);
  send(1020, 4);
  const held = (n: number) => signal(1, n >= 1010 && n < 1015 ? 1009 : n, 1);
  const want = [0, 4, 8, 12, 16].map((from) => sum(Array.from({ length: window }, (_, k) => held(1000 + from + k))));
  await until(() => outputs.length === want.length);
  assert.equal(
    outputs.map(({ raw }) => raw),
    want,
  );
  assert.equal(
    outputs.map(({ tick }) => tick),
    [1007, 1011, 1015, 1019, 1023],
  );
  assert.equal(
    outputs.map(({ filled }) => filled),
    [0, 2, 5, 3, 0],
  );
  assert.equal(
    outputs.map(({ timestampMs }) => timestampMs),
    outputs.map(({ tick }) => 1e12 + 10 * tick),
  );
  // 6 ticks are filled, 71 skipped; windows begin at 1101
  send(1101, 8);
  send(1109, 7);
  const again = (n: number) => Array.from({ length: window }, (_, k) => signal(1, 1101 + 4 * n + k, 1));
  await until(() => outputs.filter(({ tick }) => tick > 1101).length === 2);
  assert.equal(outputs.filter(({ tick }) => tick > 1101).map(({ tick, raw }) => [tick, raw]), [[1108, sum(again(0))], [1112, sum(again(1))]]); // biome-ignore format: a line each
  const before = outputs.length;
  const next = await bundleOf(2);
  await gateway.receive(next.wasm, next.digest);
  const trial = gateway.try('main', { outputs: 2 });
  for (let at = 1116; at < 1316; at += 4) {
    send(at, 4);
    if (at % 40 === 36) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.is((await trial).phase, 'confirmed');
  send(1316, 5);
  await until(() => outputs.length === before + 52);
  for (const [i, { tick, sequence, raw }] of outputs.slice(before).entries()) {
    assert.is(sequence, before + i);
    assert.is(tick, 1116 + 4 * i);
    assert.equal(raw, sum(again(2 + i)), `output of tick ${tick}`);
  }
  assert.equal(intake.counts().resets, 1);
  assert.is(intake.counts().lost, 5 + 77);
  await close();
});

test('overload is shed, counted, reported once and treated as a gap, and then the stream continues', async () => {
  const { gateway, intake, close } = await begun({ maxWaitingHops: 4, maxLagMs: 160 });
  const told: string[] = [];
  let outputs = 0;
  gateway.events.on('overload', ({ state }) => told.push(state));
  gateway.events.on('output', () => outputs++);
  let taken = 0;
  // no thread answers while this loop runs
  for (let at = 0; at < 4000; at += 4) taken += intake.take({ stream: 'o', from: at, bytes: ticks(at, 4) }) ? 1 : 0;
  assert.is(taken, 5);
  assert.is(intake.counts().shed, 4000 - 20);
  await until(() => told.length === 2 && outputs === 4);
  assert.equal(told, ['begins', 'ends']);
  assert.ok(intake.take({ stream: 'o', from: 4000, bytes: ticks(4000, 12) }));
  // 20 ticks, a gap with one window filled, then 12 ticks
  await until(() => outputs === 4 + 2 + 2);
  const { received, delivered, lost, filled, shed } = intake.counts();
  assert.equal({ received, delivered, lost, filled, shed }, { received: 4012, delivered: 32, lost: 3980, filled: 8, shed: 3980 });
  await close();
});

test('a missing tick is awaited for at most reorderMs; a number far ahead and frames without a bundle are refused', async () => {
  const { gateway, intake, close } = await begun({ reorderTicks: 400, reorderMs: 100 });
  let outputs = 0;
  gateway.events.on('output', () => outputs++);
  intake.take({ stream: 'w', from: 0, bytes: ticks(0, 8) });
  intake.take({ stream: 'w', from: 9, bytes: ticks(9, 7) });
  await until(() => outputs === 3);
  assert.is(intake.counts().lost, 1);
  const codeOf = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  // more than reorderTicks ahead: set aside until the next message contradicts it
  intake.take({ stream: 'w', from: 2 ** 40, bytes: ticks(0, 1) });
  intake.take({ stream: 'w', from: 16, bytes: ticks(16, 4) });
  await until(() => outputs === 4);
  assert.is(intake.counts().refused, 1);
  assert.is(intake.counts().lost, 1);
  assert.is(
    codeOf(() => intake.take({ stream: 'v', slot: 'empty', from: 0, bytes: ticks(0, 1) })),
    'RN846',
  );
  assert.is(intake.counts().refusedMessages, 1);
  await close();
});

test.run();
