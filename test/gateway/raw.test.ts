/**
 * The listening port under raw bytes: request lines, targets, headers, upgrades, WebSocket frames, bodies,
 * broken TLS, slow and half-open clients.
 *
 * A gateway in a process of its own, plain and over TLS, with a token and without; inputs are made by rules
 * and then damaged. No input ends the process, none is answered by a 5xx but 503, and when the clients are
 * gone (or sit there and say nothing) its open files and memory are back where they were. RUNLET_RAW_INPUTS
 * says how many inputs; an input is what a client sends before it waits or goes: a request, a frame, a
 * handshake.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publicPem } from '../../assembly/bundle/keys.ts';
import { protocolsFor } from '../../host/gateway/http/guard.ts';
import { writeFrames } from '../../host/gateway/streams/wire.ts';
import { random } from '../property/random-network.ts';
import { bundleOf, bytesOf, keys, signal } from './bundles.ts';
import { authority } from './certificates.ts';
import { startProcess } from './processes.ts';

const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
const inputs = Number(process.env.RUNLET_RAW_INPUTS ?? 4000);
console.log(`  RUNLET_SEED=${seed}, ${inputs} inputs`);
const rnd = random(seed);
const below = (n: number): number => Math.floor(rnd() * n);
const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
const noise = (max: number): Buffer => Buffer.from(Uint8Array.from({ length: below(max) }, () => below(256)));

const mostClients = 96;
const token = 'a-token-of-some-length';
const folder = mkdtempSync(join(tmpdir(), 'runlet-raw-'));
const at = (name: string) => join(folder, name);
const children = new Set<ChildProcess>();
/** What clients have opened and not closed. */
const sockets = new Set<Socket>();
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const socket of sockets) socket.destroy();
  rmSync(folder, { recursive: true });
  // A socket may go under a TLS client in the middle of a write. Node then waits for that write without end
  // when it takes itself down (CleanupHandles, Node 20). process.exit does not wait.
  process.once('exit', () => process.exit());
});
const own = await authority('runlet-raw-test');
const pair = await own.server();
const first = await bundleOf(1);
writeFileSync(at('mine.pub'), publicPem(keys));
writeFileSync(at('token'), token);
writeFileSync(at('cert.pem'), pair.cert);
writeFileSync(at('key.pem'), pair.key);
writeFileSync(at('first.wasm'), first.wasm);

const bin = join(import.meta.dirname, '../../host/cli/bin.js');

/** A gateway whose address stands in the first line that it says. */
async function started(name: string, tls: boolean, withToken: boolean) {
  const args = ['gateway', '--state', at(name), '--port', '0', '--key', at('mine.pub'), '--model', at('first.wasm'), '--json'];
  const more = [
    ...(tls ? ['--tls-cert', at('cert.pem'), '--tls-key', at('key.pem')] : []),
    ...(withToken ? ['--token-file', at('token')] : ['--insecure-no-token']),
  ];
  const { child, said, ended } = startProcess(children, process.execPath, [bin, ...args, ...more, '--log', 'fatal']);
  for (let wait = 0; !said.out.includes('\n'); wait++) {
    assert.ok(wait < 6000 && child.exitCode === null, `the gateway does not start: ${said.err}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { url } = JSON.parse(said.out) as { url: string };
  return { child, ended, port: Number(new URL(url).port), pid: child.pid as number };
}

const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
const memoryBytes = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

const targets = ['/', '/healthz', '/metrics', '/v1/status', '/v1/board', '/v1/uploads', '/v1/streams/s/frames', '/v1/slots/main/trial', '/v1/slots/x', '/v1/events', '/v1/ws', '/v1/streams/s/outputs', '/v1/safe-mode/leave']; // biome-ignore format: one line
const odd = ['//', '/\\', '*', '', 'http://127.0.0.1/', '/%', '/%00', '/..', '/\u0000', `/${'a'.repeat(9000)}`, '/?', '//@/', '/v1/uploads/../status', '\\\\', '/#', 'ws://x/v1/ws']; // biome-ignore format: one line
const plainLines = ['Host: 127.0.0.1', `Authorization: Bearer ${token}`];
const oddLines = (): string[] => [
  `Host: ${one(['127.0.0.1', '127.0.0.1', '127.0.0.1', 'localhost', 'evil.example', '', '[::1]', 'a b', '127.0.0.1:1:1'])}`,
  ...(below(3) ? [`Authorization: ${one([`Bearer ${token}`, `Bearer ${token}`, 'Bearer x', 'Basic x', ''])}`] : []),
  ...Array.from({ length: below(3) }, () => one([
    () => `Origin: ${one(['null', 'http://evil.example', 'http://127.0.0.1'])}`,
    () => `Content-Length: ${one(['0', '5', '-1', '99999999999999999999', '1e3', '5, 5'])}`,
    () => `Transfer-Encoding: ${one(['chunked', 'gzip', 'chunked, chunked', ' chunked'])}`,
    () => `Expect: ${one(['100-continue', '200-ok'])}`,
    () => `Connection: ${one(['close', 'keep-alive', 'Upgrade', 'upgrade, close', ''])}`,
    () => `Upload-Length: ${one(['1', '1000', '-1', 'NaN', '99999999999'])}`,
    () => `Upload-Offset: ${one(['0', '1', 'x'])}`,
    () => `Last-Event-ID: ${one(['1', 'x', '-9'])}`,
    () => `${noise(12).toString('latin1')}: ${noise(30).toString('latin1')}`,
    () => `__proto__: ${noise(4).toString('hex')}`,
    () => `X: ${'y'.repeat(below(9000))}`,
  ])()),
]; // biome-ignore format: one line each
const lines = (): string[] => (below(2) ? plainLines : oddLines());
const bodies = (): Buffer => one([
  () => Buffer.alloc(0),
  () => noise(300),
  () => Buffer.from(bytesOf(signal(1, below(50), 1 + below(4)))),
  () => Buffer.from(`${below(20).toString(16)}\r\n${noise(20).toString('latin1')}\r\n0\r\n\r\n`, 'latin1'),
  () => Buffer.from('{"outputs":1,"seconds":0.01}'),
])(); // biome-ignore format: one line each

/** As a client sends it: what stands behind the door has to answer. */
function goodRequest(): Buffer {
  const body = bodies();
  const head = [`${one(['GET', 'GET', 'POST', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])} ${one(targets)} HTTP/1.1`, ...plainLines, `Content-Length: ${body.length}`, ...(below(4) ? [] : ['Upload-Length: 100000', `Upload-Offset: ${below(2)}`]), '', '']; // biome-ignore format: one line
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), body]);
}

function request(): Buffer {
  const method = below(3)
    ? one(['GET', 'GET', 'POST'])
    : one(['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'CONNECT', 'TRACE', 'get', 'PRI', '']);
  const version = below(6) ? 'HTTP/1.1' : one(['HTTP/1.0', 'HTTP/2.0', 'HTTP/9', '']);
  const body = below(2) ? bodies() : undefined;
  const length = body && below(4) ? [`Content-Length: ${body.length}`] : [];
  const target = below(3) ? one(targets) : below(2) ? one(odd) : noise(30).toString('latin1');
  const head = [`${method} ${target} ${version}`, ...lines(), ...length, '', ''].join(one(['\r\n', '\r\n', '\r\n', '\n']));
  return Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.alloc(0)]);
}

function upgrade(): Buffer {
  const target = below(3) ? '/v1/ws?outputs=all' : one([...odd, '/v1/status']);
  const protocols = below(3)
    ? protocolsFor(token).join(', ')
    : one(['', 'runlet.v1', 'runlet.bearer.', ',,,', 'runlet.bearer.%%%']);
  const key = below(5) ? 'AAAAAAAAAAAAAAAAAAAAAA==' : noise(20).toString('hex');
  const head = [`GET ${target} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: Upgrade', `Upgrade: ${one(['websocket', 'websocket', 'h2c', ''])}`, `Sec-WebSocket-Version: ${one([13, 13, 13, 8, 'x'])}`, `Sec-WebSocket-Key: ${key}`, ...(protocols ? [`Sec-WebSocket-Protocol: ${protocols}`] : []), ...(below(6) ? [] : lines().slice(1)), '', '']; // biome-ignore format: one line
  return Buffer.from(head.join('\r\n'), 'latin1');
}

/** A frame of RFC 6455, or nearly. */
function frame(): Buffer {
  const good = Buffer.from(writeFrames({ stream: one(['s', 't', '', 'x'.repeat(70)]), from: below(2) ? below(500) : undefined, bytes: bytesOf(signal(1, 0, below(4))) })); // biome-ignore format: one line
  const payload = below(3) ? good : noise(200);
  const mask = noise(5).subarray(0, 4);
  const masked = Buffer.concat([mask, Buffer.alloc(4 - mask.length)]);
  const first = below(4) ? 0x82 : below(256);
  const bits = below(8) ? 0x80 : 0;
  const said = below(10) ? payload.length : below(2 ** 16);
  const size = said < 126 && below(20) ? [bits | said] : below(4) ? [bits | 126, (said >> 8) & 255, said & 255] : [bits | 127, 0, 0, below(2) * 255, 0, below(256), 255, 255, 255]; // biome-ignore format: one line
  return Buffer.concat([Buffer.from([first, ...size]), bits ? masked : Buffer.alloc(0), payload.map((byte, i) => byte ^ (masked[i & 3] as number))]); // biome-ignore format: one line
}

/** Some bytes changed, cut, doubled or put in. */
function damaged(bytes: Buffer): Buffer {
  const out = [...bytes];
  for (let n = below(3); n > 0 && out.length > 0; n--)
    one([
      () => out.splice(below(out.length), 1, below(256)),
      () => out.splice(below(out.length), 1 + below(8)),
      () => out.splice(below(out.length), 0, ...noise(6)),
      () => out.splice(0, 0, ...out.slice(0, below(12))),
    ])();
  return Buffer.from(out);
}

interface Tally {
  sent: number;
  statuses: Map<string, number>;
}

/** One client: some inputs on one connection, then it goes, by one way or another. */
async function client(port: number, tls: boolean, tally: Tally, held: Set<Socket>): Promise<void> {
  const noTls = tls && below(8) === 0;
  // from many addresses: what one of them may guess or change is limited
  const plain = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${1 + below(250)}` });
  const socket: Socket = tls && !noTls ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain;
  const ended = new Promise<void>((resolve) => {
    for (const each of new Set([plain, socket])) {
      sockets.add(each);
      each.on('error', () => each.destroy());
      each.on('close', () => sockets.delete(each));
    }
    plain.on('close', () => resolve());
    plain.setTimeout(3000, () => resolve());
  });
  let subscribed = false;
  const answered = new Promise<void>((resolve) => {
    socket.once('data', () => resolve());
    plain.once('close', () => resolve());
  });
  socket.on('data', (part: Buffer) => {
    // who reads events may stay for ever, and is not one that says nothing
    subscribed ||= part.includes('text/event-stream');
    if (subscribed && held.has(plain)) plain.destroy();
    for (const [, status = ''] of part.toString('latin1').matchAll(/^HTTP\/1\.1 (\d{3}) /gm))
      tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
  });
  const socketed = below(3) === 0;
  // damage ends a connection soon: half of the clients send what can be answered, and so reach further
  const wild = below(2) === 0;
  const wait = () => new Promise<void>((resolve) => setTimeout(resolve, below(3)));
  for (let n = 1 + below(6), i = 0; i < n && !socket.destroyed; i++, tally.sent++) {
    const made = noTls
      ? Buffer.concat([Buffer.from([0x16, 3, 1]), noise(400)])
      : socketed
        ? i === 0
          ? upgrade()
          : frame()
        : wild
          ? request()
          : goodRequest();
    const bytes = below(3) || !wild ? made : damaged(made);
    const cut = below(6) ? bytes.length : below(bytes.length);
    socket.write(bytes.subarray(0, cut));
    if (cut < bytes.length || below(3) === 0) await wait();
    if (cut < bytes.length) socket.write(bytes.subarray(cut));
  }
  if (below(20) === 0 && held.size < 200 && !socket.destroyed && !subscribed) {
    // it sits there: the gateway must end it
    plain.setTimeout(0);
    held.add(plain);
    plain.on('close', () => held.delete(plain));
    return;
  }
  // most wait for an answer, and a second at most
  if (below(4)) await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 1000))]);
  await one([
    async () => socket.destroy(),
    async () => void socket.end(),
    async () => plain.resetAndDestroy(),
    async () => {
      socket.end();
      await Promise.race([ended, wait()]);
    },
  ])();
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
  plain.destroy();
}

/** A stream runs, and an output of it has come. */
async function primed(port: number, tls: boolean): Promise<void> {
  const from = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const options = { headers: { authorization: `Bearer ${token}`, connection: 'close' }, rejectUnauthorized: false };
  const ask = (method: string, path: string, body?: Uint8Array) =>
    new Promise<string>((resolve, reject) => {
      const send = tls ? secureRequest : plainRequest;
      send(`${from}${path}`, { ...options, method }, (response) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end(body);
    });
  await ask('POST', '/v1/streams/first/frames', bytesOf(signal(1, 0, 40)));
  for (let wait = 0; !/"outputs":[1-9]/.test(await ask('GET', '/v1/streams')); wait++) {
    assert.ok(wait < 1000, 'the stream stands still');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Statuses that were seen. */
const reached = new Set<string>();
const wayBackMs = 30_000;

for (const [name, tls, withToken] of [
  ['plain, with a token', false, true],
  ['plain, without a token', false, false],
  ['TLS, with a token', true, true],
  ['TLS, without a token', true, false],
] as const)
  test(`${name}: no input ends it, none is answered by a fault, and nothing of them stays`, async () => {
    const { child, ended, port, pid } = await started(`${tls}-${withToken}`, tls, withToken);
    const tally: Tally = { sent: 0, statuses: new Map() };
    const held = new Set<Socket>();
    const count = Math.ceil(inputs / 4);
    const run = (until: number) =>
      Promise.all(
        Array.from({ length: mostClients }, async () => {
          while (tally.sent < until && child.exitCode === null && child.signalCode === null) await client(port, tls, tally, held);
        }),
      );
    const quiet = async (files: number): Promise<void> => {
      for (const from = performance.now(); (openFiles(pid) > files || held.size > 0) && performance.now() - from < wayBackMs; )
        await new Promise((resolve) => setTimeout(resolve, 100));
    };
    // a stream has its thread, code is compiled, and pools have their size
    await primed(port, tls);
    const before = openFiles(pid);
    await run(Math.min(20_000, count / 4));
    await quiet(before);
    const [files, bytes] = [openFiles(pid), memoryBytes(pid)];
    assert.ok(files <= before, `${files} files are open, and ${before} were`);
    await run(count);
    assert.is(child.exitCode, null, 'the process ended');
    await quiet(before);
    const after = [openFiles(pid), memoryBytes(pid)] as const;
    const shares = [...tally.statuses].sort(([a], [b]) => Number(a) - Number(b)).map(([status, n]) => `${n} x ${status}`);
    const mib = (n: number) => (n / 2 ** 20).toFixed(0);
    console.log(`  ${name}: ${tally.sent} inputs, ${shares.join(', ')}; files ${before} -> ${after[0]}, ${mib(bytes)} -> ${mib(after[1])} MiB, ${held.size} held`); // biome-ignore format: one line
    assert.equal([...tally.statuses.keys()].filter((status) => status >= '500' && status !== '503'), []); // biome-ignore format: one line
    for (const status of tally.statuses.keys()) reached.add(status);
    assert.ok(after[0] <= before, `${after[0]} files are open, and ${before} were`);
    // what a heap keeps to grow again is not of the inputs: it must not grow with their number
    assert.ok(after[1] < 1.5 * bytes + 2 ** 25, `${mib(after[1])} MiB, and ${mib(bytes)} before`);
    assert.is(held.size, 0, 'clients that say nothing are still there');
    child.kill('SIGTERM');
    assert.is((await ended).code, 0);
  });

test('the inputs reach what stands behind the door, and what it refuses', () => {
  for (const status of ['101', '200', '400', '401', '403', '404']) assert.ok(reached.has(status), status);
});

test.run();
