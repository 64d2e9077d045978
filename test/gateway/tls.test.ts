/**
 * The gateway over TLS. With the right client certificate and token everything works. Without a certificate,
 * or with an expired one or one of another CA, nothing works and no byte of HTTP is read. Clients refuse
 * other gateways. Plain HTTP in place of HTTPS, the reverse, and unusable files are reported with a code.
 *
 * Certificates are made here (certificates.ts). The first test runs the installed commands.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as secureRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { pino } from 'pino';
import { generate } from 'selfsigned';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { publicPem } from '../../assembly/bundle/keys.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { type Served, serve, type Tls } from '../../host/gateway/http/serve.ts';
import { type OutputMessage, readOutput, writeFrames } from '../../host/gateway/streams/wire.ts';
import { checkTls } from '../../host/remote/certificates.ts';
import { GatewayClient } from '../../host/remote/client.ts';
import { codeOf } from '../host/helpers.ts';
import { root } from '../shared.ts';
import { bundleOf, bytesOf, digestOf, expected, keys, signal } from './bundles.ts';
import { authority, type Pair } from './certificates.ts';
import { CrashDisk } from './crash-disk.ts';

const bin = join(root, 'host/cli/bin.js');
const folder = mkdtempSync(join(tmpdir(), 'runlet-tls-'));
const at = (name: string) => join(folder, name);
const children = new Set<ChildProcess>();
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const token = 'a-token-of-some-length';
const [own, other] = [await authority('ours'), await authority('theirs')];
const server = await own.server();
const client = await own.client();
const pairs: Record<string, Pair | undefined> = {
  none: undefined,
  'of another CA': await other.client(),
  expired: await own.client({ fromDays: -9, toDays: -2 }),
  'not valid yet': await own.client({ fromDays: 2, toDays: 9 }),
  'for servers': await own.server(),
  'of its own CA': other,
};
const files: Record<string, string> = { 'ca.pem': own.cert, 'other-ca.pem': other.cert, 'token': token, 'mine.pub': publicPem(keys) }; // biome-ignore format: one line
const pem: [string, Pair][] = [['server', server], ['client', client], ['expired', pairs.expired as Pair]]; // biome-ignore format: one line
for (const [name, { cert, key }] of pem) Object.assign(files, { [`${name}.pem`]: cert, [`${name}.key`]: key });
for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);

const bytes = (text: string | undefined) => (text === undefined ? undefined : new TextEncoder().encode(text));
const tlsOf = (pair: Pair | undefined, ca: string | undefined = own.cert) => ({
  ca: bytes(ca),
  cert: bytes(pair?.cert),
  key: bytes(pair?.key),
});
const serverTls = (pair: Pair = server, clientCa: string | null = own.cert): Tls => ({
  cert: bytes(pair.cert) as Uint8Array,
  key: bytes(pair.key) as Uint8Array,
  clientCa: bytes(clientCa ?? undefined),
});

interface Ended {
  code: number;
  out: string;
  err: string;
}
const run = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { env: { ...process.env, FORCE_COLOR: '0' } }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });

const snapshot = (where: string): string[] =>
  readdirSync(where, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${join(parentPath, name)} ${digestOf(readFileSync(join(parentPath, name)))}`)
    .sort();

/** Reads server-sent events until `done` is true. */
function events(url: string, done: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = secureRequest(url, { headers: { authorization: `Bearer ${token}` }, ca: own.cert, ...client }, (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
        if (!done(text)) return;
        asked.destroy();
        resolve(text);
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/**
 * Starts the installed gateway in the folder `state`. @returns the process, its address and its log so far
 */
async function installed(): Promise<{ gateway: ChildProcess; url: string; log(): string }> {
  const args = ['--state', at('state'), '--port', '0', '--key', at('mine.pub'), '--token-file', at('token'), '--json'];
  const tls = ['--tls-cert', at('server.pem'), '--tls-key', at('server.key'), '--client-ca', at('ca.pem')];
  // a busy machine must not shed anything
  args.push('--max-waiting', '1000', '--max-lag-ms', '60000');
  const gateway = spawn(process.execPath, [bin, 'gateway', ...args, ...tls, '--log', 'warn'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(gateway);
  let log = '';
  gateway.stderr.on('data', (part) => {
    log += part;
  });
  const [line] = (await once(createInterface({ input: gateway.stdout }), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  return { gateway, url, log: () => log };
}

/** Options with the client's certificate and key. */
const show = ['--tls-cert', at('client.pem'), '--tls-key', at('client.key')];
const toGateway = (url: string): string[] => ['--to', url, '--tls-ca', at('ca.pem'), '--token-file', at('token'), ...show];

/** Reads outputs over WebSocket and as events, while a second bundle is tried, confirmed and rolled back. */
async function streamAndSwap(url: string): Promise<void> {
  const to = toGateway(url);
  const socket = new WebSocket(`${url.replace('https', 'wss')}/v1/ws`, {
    ca: own.cert,
    ...client,
    headers: { authorization: `Bearer ${token}` },
  });
  const outputs: OutputMessage[] = [];
  socket.on('message', (data: Buffer) => outputs.push(readOutput(data)));
  await once(socket, 'open');
  const steps = events(`${url}/v1/events`, (text) => text.includes('event: trial'));
  let sent = 0;
  const feeding = setInterval(() => {
    socket.send(writeFrames({ stream: 'wrist', from: sent, bytes: bytesOf(signal(1, sent, 8)) }));
    sent += 8;
  }, 40);
  const waits = await run('flash', at('heart-2.wasm'), ...to, '--no-confirm', '--outputs', '2');
  assert.match(waits.out, /^passed/m, waits.err);
  assert.match(await steps, 'event: trial');
  const confirmed = await run('status', ...to, '--confirm');
  assert.match(confirmed.out, /^running +\S+ 1\.2\.0 .*1 stream/m, confirmed.err);
  const back = await run('rollback', ...to);
  assert.match(back.out, /^running +\S+ 1\.1\.0/m, back.err);
  clearInterval(feeding);
  for (let wait = 0; outputs.length < expected(1, sent).length; wait++) {
    assert.ok(wait < 1000, `${outputs.length} outputs of ${sent} ticks`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(outputs.map(({ values }) => values[0]), expected(1, sent).map((raw) => (raw[0] as number) * 0.5)); // biome-ignore format: one line
  const read = await events(`${url}/v1/streams/wrist/outputs?after=${outputs.length - 3}`, (text) =>
    /^id: .*\n[\s\S]*^id: /m.test(text),
  );
  assert.equal(read.match(/^id: \d+$/gm), [`id: ${outputs.length - 2}`, `id: ${outputs.length - 1}`]);
  socket.close();
}

/** Checks that clients without our certificate or token, or of another gateway, are refused. */
async function refusesStrangers(url: string): Promise<void> {
  for (const [what, pair] of Object.entries(pairs)) {
    const stranger = new GatewayClient({ url, token, tls: tlsOf(pair) });
    for (const act of [() => stranger.status(), () => stranger.rollBack('main'), () => stranger.flash(new Uint8Array(9), 'main')])
      assert.is(await codeOf(act), 'RN868', what);
  }
  const trusting = { token, tls: tlsOf(client) };
  assert.is(await codeOf(() => new GatewayClient({ ...trusting, url, token: undefined }).status()), 'RN811');
  assert.is(
    await codeOf(() => new GatewayClient({ ...trusting, url, token: 'another-one-of-some-length' }).rollBack('main')),
    'RN811',
  );
  assert.is(await codeOf(() => new GatewayClient({ ...trusting, url: url.replace('https', 'http') }).rollBack('main')), 'RN869');
  for (const [more, code] of [
    [['--to', url, '--tls-ca', at('ca.pem')], 'RN868'],
    [['--to', url, '--tls-ca', at('ca.pem'), '--tls-cert', at('expired.pem'), '--tls-key', at('expired.key')], 'RN868'],
    [['--to', url, '--tls-ca', at('other-ca.pem'), ...show], 'RN867'],
    [['--to', url, ...show], 'RN867'],
    [['--to', url.replace('https', 'http'), ...show], 'RN869'],
  ] as const) {
    const { code: exit, err } = await run('rollback', ...more, '--token-file', at('token'));
    assert.is(exit, 4);
    assert.match(err, code);
    assert.not.match(err, /\n +at /);
    assert.match(err, /Try/i, err);
  }
}

test('all commands work over mutual TLS with a token, and a client without a certificate changes nothing', async () => {
  for (const sequence of [1, 2]) writeFileSync(at(`heart-${sequence}.wasm`), (await bundleOf(sequence)).wasm);
  const { gateway, url, log } = await installed();
  assert.match(url, /^https:/);
  const to = toGateway(url);
  const flashed = await run('flash', at('heart-1.wasm'), ...to);
  assert.match(flashed.out, /^confirmed[\s\S]*^running +\S+ 1\.1\.0/m, flashed.err);
  await streamAndSwap(url);
  const before = snapshot(at('state'));
  assert.ok(before.length >= 2);
  await refusesStrangers(url);
  assert.equal(snapshot(at('state')), before);
  const still = await run('status', ...to);
  assert.match(still.out, /^running +\S+ 1\.1\.0/m, still.err);
  gateway.kill('SIGTERM');
  assert.is((await once(gateway, 'exit'))[0], 0, log());
  assert.match(log(), 'TLS: refused');
});

/** Opens a gateway in this process and records what its server receives. */
async function opened(tls: Tls | undefined) {
  const gateway = await Gateway.open(new CrashDisk(), { policy: { keys: [keys.publicKey] }, pool: { threads: 1 } });
  const logged: { why?: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (text: string) => logged.push(JSON.parse(text)) });
  const { app } = gatewayApp({ gateway, log });
  const served: Served = await serve({ app, door: new Door({ token }), host: '127.0.0.1', port: 0, tls, log });
  const seen = { requests: 0, upgrades: 0, secured: 0 };
  served.server.on('request', () => seen.requests++);
  served.server.on('upgrade', () => seen.upgrades++);
  served.server.on('secureConnection', () => seen.secured++);
  const stop = async () => {
    await served.stop();
    await gateway.close();
  };
  return { url: served.url, port: (served.server.address() as AddressInfo).port, seen, logged, stop };
}

test('a client with a refused certificate is cut off before any HTTP, with TLS 1.2 and 1.3, and the log says why', async () => {
  const { port, url, seen, logged, stop } = await opened(serverTls());
  const whys = new Set<string>();
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const [what, pair] of Object.entries(pairs)) {
      const before = logged.length;
      const socket = connectTls({ port, host: '127.0.0.1', ca: own.cert, maxVersion, ...pair });
      socket.on('error', () => {});
      let answer = '';
      socket.on('data', (part) => {
        answer += part;
      });
      socket.on('secureConnect', () => socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'));
      await new Promise((resolve) => socket.on('close', resolve));
      assert.is(answer, '', `${what}, ${maxVersion}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const { why } of logged.slice(before)) whys.add(why as string);
    }
  assert.equal(seen, { requests: 0, upgrades: 0, secured: 0 });
  // at most one line per second
  assert.ok(whys.size >= 1 && logged.length < 12, [...whys].join());
  for (const [what, code] of [
    ['expired', 'CERT_HAS_EXPIRED'],
    ['of another CA', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ] as const) {
    // biome-ignore format: one line
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.is(await codeOf(() => new GatewayClient({ url, tls: tlsOf(pairs[what]) }).status()), 'RN868');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.is(logged.at(-1)?.why, code);
  }
  assert.is((await new GatewayClient({ url, token, tls: tlsOf(client) }).status()).slots.length, 0);
  assert.equal(seen, { requests: 1, upgrades: 0, secured: 1 });
  await stop();
});

test('HTTP and HTTPS mixed up are reported, a handshake byte by byte works, and silent connections do not delay a stop', async () => {
  const { url, port, seen, stop } = await opened(serverTls());
  const plain = await fetch(`http://127.0.0.1:${port}/v1/uploads`, { method: 'POST', body: new Uint8Array(1000) });
  const { error } = (await plain.json()) as { error: Record<string, string> };
  assert.equal([plain.status, error.code, error.tryThis], [400, 'RN869', 'use https:// in the address']);
  const slow = connect(port, '127.0.0.1');
  const secure = connectTls({ socket: dripping(slow), ca: own.cert, servername: 'localhost', ...client });
  await once(secure, 'secureConnect');
  secure.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  assert.match(String((await once(secure, 'data'))[0]), /^HTTP\/1\.1 200/);
  assert.equal(seen, { requests: 1, upgrades: 0, secured: 1 });
  const silent = connect(port, '127.0.0.1');
  const half = connect(port, '127.0.0.1', () => half.write(Uint8Array.of(0x16, 3, 1)));
  for (const socket of [silent, half]) socket.on('error', () => {});
  await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
  await stop();
  assert.is(await codeOf(() => new GatewayClient({ url, tls: tlsOf(client) }).status()), 'RN860');

  const http = await opened(undefined);
  const mixed = new GatewayClient({ url: http.url.replace('http', 'https'), token, tls: tlsOf(client) });
  assert.is(await codeOf(() => mixed.status()), 'RN869');
  assert.is(http.seen.requests, 0);
  await http.stop();
});

/** Makes a socket write one byte at a time. */
function dripping(socket: ReturnType<typeof connect>) {
  const write = socket._write.bind(socket);
  socket._writev = undefined as never;
  socket.setNoDelay(true);
  socket._write = (chunk: Buffer, encoding, done) => {
    const next = (n: number) => (n < chunk.length ? write(chunk.subarray(n, n + 1), encoding, () => next(n + 1)) : done());
    next(0);
  };
  return socket;
}

test('a gateway of another CA or name, expired or not yet valid, is RN867 with advice', async () => {
  for (const [what, pair, ca, tryThis] of [
    ['another CA', await other.server(), own.cert, /^use --tls-ca/],
    ['no CA', server, undefined, /^use --tls-ca/],
    ['signed by itself', other, own.cert, /^use --tls-ca/],
    ['another name', await own.server({ names: ['gateway.example', '127.0.0.2'] }), own.cert, /a name or address/],
    ['expired', await own.server({ fromDays: -9, toDays: -2 }), own.cert, /a new certificate/],
    ['not valid yet', await own.server({ fromDays: 2, toDays: 9 }), own.cert, /clock/],
  ] as const) {
    const { url, seen, stop } = await opened(serverTls(pair));
    try {
      await new GatewayClient({ url, token, tls: { ...tlsOf(client), ca: bytes(ca) } }).status();
      assert.unreachable(what);
    } catch (error) {
      const { code, parts } = error as { code: string; parts: { tryThis: string; why: string } };
      assert.is(code, 'RN867', `${what}: ${error}`);
      assert.match(parts.tryThis, tryThis, what);
    }
    assert.is(seen.requests, 0);
    await stop();
  }
  // a server certificate is no CA and is not trusted; no client certificate is required here
  const { url, stop } = await opened(serverTls(server, null));
  assert.is((await new GatewayClient({ url, token, tls: { ca: bytes(server.cert) } }).status().catch((e) => e)).code, 'RN867');
  assert.is((await new GatewayClient({ url, token, tls: { ca: bytes(own.cert) } }).status()).slots.length, 0);
  await stop();
});

test('missing, garbage, encrypted or mismatched files give a code with the option and no stack trace', async () => {
  const rsa = (await generate([{ name: 'commonName', value: 'locked' }], { algorithm: 'sha256', passphrase: 'secret' })) as {
    cert: string;
    private: string;
  };
  const damaged = server.cert.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  for (const [name, text] of [
    ['garbage', 'noise\n'],
    ['damaged', damaged],
    ['locked.pem', rsa.cert],
    ['locked.key', rsa.private],
    ['both.pem', `${server.cert}\n${server.key}`],
  ] as const)
    writeFileSync(at(name), text);
  const gateway = ['gateway', '--state', at('other'), '--port', '0', '--key', at('mine.pub'), '--seconds', '0'];
  const cert = ['--tls-cert', at('server.pem')];
  const key = ['--tls-key', at('server.key')];
  const status = ['status', '--to', 'https://127.0.0.1:1'];
  for (const [args, code, exit, named] of [
    [[...gateway, '--tls-cert', at('nothing'), ...key], 'RN720', 4, 'nothing'],
    [[...gateway, '--tls-cert', at('garbage'), ...key], 'RN866', 4, '--tls-cert'],
    [[...gateway, '--tls-cert', at('damaged'), ...key], 'RN866', 4, '--tls-cert'],
    [[...gateway, ...cert, '--tls-key', at('nothing')], 'RN720', 4, 'nothing'],
    [[...gateway, ...cert, '--tls-key', at('garbage')], 'RN866', 4, '--tls-key'],
    [[...gateway, ...cert, '--tls-key', at('client.key')], 'RN866', 4, '--tls-key'],
    [[...gateway, ...cert], 'RN866', 4, '--tls-cert'],
    [[...gateway, '--tls-cert', at('locked.pem'), '--tls-key', at('locked.key')], 'RN866', 4, 'passphrase'],
    [[...gateway, ...cert, ...key, '--client-ca', at('garbage')], 'RN866', 4, '--client-ca'],
    [[...gateway, '--client-ca', at('ca.pem'), '--host', '0.0.0.0'], 'RN862', 2, '--client-ca'],
    [[...gateway, ...key], 'RN862', 2, '--tls-key'],
    [[...gateway, '--fleet', 'mqtts://127.0.0.1:1/hall', '--fleet-ca', at('garbage')], 'RN866', 4, '--fleet-ca'],
    [[...gateway, '--mqtt', 'mqtts://127.0.0.1:1', '--mqtt-ca', at('garbage')], 'RN866', 4, '--mqtt-ca'],
    [[...status, '--tls-ca', at('garbage')], 'RN866', 4, '--tls-ca'],
    [[...status, '--tls-key', at('client.key')], 'RN866', 4, '--tls-cert'],
    [[...status, '--tls-cert', at('client.pem'), '--tls-key', at('server.key')], 'RN866', 4, '--tls-key'],
  ] as const) {
    const { code: found, err } = await run(...args);
    assert.match(err, `${code}`, args.join(' '));
    assert.is(found, exit, err);
    assert.match(err, named);
    assert.not.match(err, /\n +at |secret/);
  }
  const both = await run(...gateway, '--tls-cert', at('both.pem'), '--log', 'warn');
  assert.equal([both.code, both.err], [0, '']);
  writeFileSync(at('old.pem'), Object.values(await own.server({ fromDays: -9, toDays: -2 })).join('\n'));
  const old = await run(...gateway, '--tls-cert', at('old.pem'), '--log', 'warn');
  assert.is(old.code, 0);
  assert.match(old.err, 'it expired on');
  const names = { ca: '--ca', cert: '--cert', key: '--key' };
  assert.equal(checkTls({}, names), { ca: undefined, cert: undefined, key: undefined });
});

test.run();
