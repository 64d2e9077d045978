/**
 * A fleet over mqtts:// with client certificates, with aedes behind TLS: a rollout by the commands, frames
 * over --mqtt, and brokers and clients that are not trusted.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createServer } from 'node:tls';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publicPem, secretPem } from '../../assembly/bundle/keys.ts';
import { MqttLink } from '../../host/gateway/fleet/mqtt-link.ts';
import { mqttTopics } from '../../host/gateway/streams/mqtt.ts';
import { type OutputMessage, readOutput, writeFrames } from '../../host/gateway/streams/wire.ts';
import { bundleOf, bytesOf, expected, keys, signal } from '../gateway/bundles.ts';
import { authority } from '../gateway/certificates.ts';
import { codeOf } from '../host/helpers.ts';
import { root } from '../shared.ts';

const bin = join(root, 'host/cli/bin.js');
const folder = mkdtempSync(join(tmpdir(), 'runlet-mqtts-'));
const at = (name: string) => join(folder, name);
let gateway: ChildProcess | undefined;
const [own, other] = [await authority('ours'), await authority('theirs')];
const [server, client, stranger] = [await own.server(), await own.client(), await other.client()];
const files = {
  'mine.pub': publicPem(keys),
  'mine.key': secretPem(keys),
  'ca.pem': own.cert,
  'other-ca.pem': other.cert,
  'client.pem': `${client.cert}\n${client.key}`,
  'stranger.pem': `${stranger.cert}\n${stranger.key}`,
};
for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);

const broker = await Aedes.createBroker();
let taken = 0;
broker.on('client', () => taken++);
const sockets = new Set<Socket>();
const listener = createServer({ ...server, ca: own.cert, requestCert: true, rejectUnauthorized: true }, (socket) => {
  socket.on('error', () => {});
  broker.handle(socket);
});
listener.on('connection', (socket: Socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
});
listener.listen(0, '127.0.0.1');
await once(listener, 'listening');
const url = `mqtts://127.0.0.1:${(listener.address() as AddressInfo).port}`;
test.after(async () => {
  gateway?.kill('SIGKILL');
  for (const socket of sockets) socket.destroy();
  listener.close();
  await new Promise<void>((resolve) => broker.close(() => resolve()));
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { env: { ...process.env, FORCE_COLOR: '0' } }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });

test('a rollout and frames work over mqtts:// with certificates of both sides', async () => {
  const { wasm } = await bundleOf(1);
  writeFileSync(at('heart.wasm'), wasm);
  const args = [
    '--state',
    at('state'),
    '--port',
    '0',
    '--insecure-no-token',
    '--key',
    at('mine.pub'),
    '--log',
    'warn',
    '--gateway-id',
    'a',
  ];
  args.push('--fleet', `${url}/hall`, '--fleet-ca', at('ca.pem'), '--fleet-cert', at('client.pem'));
  args.push('--mqtt', url, '--mqtt-id', 'a', '--mqtt-qos', '1', '--mqtt-ca', at('ca.pem'), '--mqtt-cert', at('client.pem'));
  args.push('--max-waiting', '1000', '--max-lag-ms', '60000');
  gateway = spawn(process.execPath, [bin, 'gateway', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(createInterface({ input: gateway.stdout as NodeJS.ReadableStream }), 'line');
  const tls = ['--tls-ca', at('ca.pem'), '--tls-cert', at('client.pem')];
  const rollout = await run(
    'flash',
    at('heart.wasm'),
    '--fleet',
    `${url}/hall`,
    '--settle',
    '0',
    '--key',
    at('mine.key'),
    ...tls,
  );
  assert.is(rollout.code, 0, rollout.err);
  assert.match(rollout.out, /^a +1 +confirmed[\s\S]*^done: .* 0 failed/m);

  const sender = await mqtt.connectAsync(url, { ca: own.cert, ...client });
  const outputs: OutputMessage[] = [];
  sender.on('message', (_, payload) => outputs.push(readOutput(payload)));
  await sender.subscribeAsync('runlet/a/streams/wrist/outputs', { qos: 1 });
  for (let n = 0; n < 80; n += 8) {
    const frames = Buffer.from(writeFrames({ from: n, bytes: bytesOf(signal(1, n, 8)) }));
    await sender.publishAsync(mqttTopics('a').frames('wrist'), frames, { qos: 1 });
  }
  const want = expected(1, 80);
  for (let wait = 0; outputs.length < want.length; wait++) {
    assert.ok(wait < 3000, `${outputs.length} outputs`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(outputs.map(({ values }) => [...values]), want.map((raw) => [...raw].map((q) => 0.5 * q))); // biome-ignore format: one line
  await sender.endAsync();
  gateway.kill('SIGTERM');
  assert.is((await once(gateway, 'exit'))[0], 0);
});

test('an untrusted broker or client gives a code, and nothing reaches the broker', async () => {
  const before = taken;
  const flash = ['flash', at('heart.wasm'), '--fleet', `${url}/hall`, '--key', at('mine.key')];
  const state = ['--state', at('other'), '--port', '0', '--insecure-no-token', '--key', at('mine.pub'), '--log', 'silent'];
  const gate = ['gateway', ...state, '--mqtt', url];
  const pair = ['--tls-cert', at('client.pem')];
  for (const [args, code] of [
    [[...flash, '--tls-ca', at('other-ca.pem'), ...pair], 'RN851'],
    [[...flash, ...pair], 'RN851'],
    [[...gate, '--mqtt-ca', at('other-ca.pem'), '--mqtt-cert', at('client.pem')], 'RN871'],
    [[...gate, '--mqtt-ca', at('ca.pem'), '--mqtt-cert', at('stranger.pem')], 'RN871'],
    [[...gate, '--mqtt-ca', at('ca.pem')], 'RN871'],
  ] as const) {
    const { code: exit, err } = await run(...args);
    assert.match(err, code);
    assert.is(exit, 4, err);
    assert.not.match(err, /\n +at /);
  }
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (const { cert, key } of [stranger, await own.client({ fromDays: -9, toDays: -2 })]) {
    const link = new MqttLink({ url, clientId: 'x', tls: { ca: bytes(own.cert), cert: bytes(cert), key: bytes(key) } });
    assert.is(await codeOf(() => link.ready(3000)), 'RN851');
    await link.close();
  }
  assert.is(taken, before);
});

test.run();
