/**
 * Fuzz test: random requests to every endpoint of the gateway, and random binary messages. There is no fault,
 * no crash, and nothing that was not allowed.
 *
 * A request is a known or a broken path with any method, queries, headers and a body: empty, noise, frames,
 * options of a trial, or pieces of a changed bundle. A client without the token changes nothing and reads
 * nothing below /v1. A client with it cannot install a bundle that no key signed. RUNLET_GATEWAY_REQUESTS is
 * the number of requests.
 */
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { uncobs } from '../../host/gateway/streams/lines.ts';
import { readFrames, writeFrames } from '../../host/gateway/streams/wire.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import { isRunletError } from '../../models/error.ts';
import { random } from '../property/random-network.ts';
import { bundleOf, bytesOf, channels, digestOf, expected, keys, signal } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';
import { knocker } from './knock.ts';

const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
const count = Number(process.env.RUNLET_GATEWAY_REQUESTS ?? 4000);
console.log(`  RUNLET_SEED=${seed}, ${count} requests`);

const rnd = random(seed);
const below = (n: number): number => Math.floor(rnd() * n);
const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
const noise = (maxBytes: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: below(maxBytes) }, () => below(256));

const token = 'a-token-of-some-length';
const gateway = await Gateway.open(new CrashDisk(), {
  policy: { keys: [keys.publicKey], maxBytes: 20_000 },
  pool: { threads: 1, budgetMs: 20_000 },
});
const { app } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
const ask = knocker(app, new Door({ token, requestsPerMinute: 1e9 }));
const intake = new Intake(gateway);
const tracker = new Tracker(gateway);
addPage(app, { gateway, intake, tracker, wires: { lines: [] } });
const first = await bundleOf(5);
const next = await bundleOf(6);

/** Returns the next bundle with at least one byte changed, removed or added. */
function changed(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(next.wasm);
  if (below(4) === 0) return bytes.slice(0, below(bytes.length));
  for (let i = 0; i <= below(4); i++) {
    const at = below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 + below(255));
  }
  return digestOf(bytes) === next.digest ? bytes.slice(1) : bytes;
}

const locations: string[] = [];
const names = ['main', 'wrist', 'other', 'a'.repeat(65), '..', '%2e%2e%2fstate', '%00', '-x', 'ü', '', 'blobs/../state'];
const upload = () => one(locations.length > 0 ? locations : ['/v1/uploads/none']);
/** Routes with their methods. */
const routes: [methods: string[], path: () => string][] = [
  [['GET'], () => one(['/', '/healthz', '/readyz', '/metrics', '/v1/board', '/v1/status', '/v1/streams', '/v1/events'])],
  [['POST'], () => one(['/v1/uploads', '/v1/uploads', '/v1/safe-mode/leave'])],
  [['PATCH', 'PATCH', 'PUT', 'GET', 'DELETE'], upload],
  [['PATCH', 'PUT', 'GET', 'DELETE'], () => `/v1/uploads/${one(names)}`],
  [['POST'], () => `/v1/slots/${one(names)}/${one(['trial', 'confirm', 'rollback'])}`],
  [['GET'], () => `/v1/slots/${one(names)}`],
  [['POST', 'POST', 'DELETE'], () => `/v1/streams/${one(names)}${one(['/frames', '/frames', ''])}`],
  [['GET'], () => `/v1/streams/${one(names)}/outputs`],
  [['GET', 'POST'], () => `/${[...noise(20)].map((b) => String.fromCharCode(33 + (b % 90))).join('')}`],
];
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const numbers = ['0', '1', '-1', '1e3', '4294967296', '9007199254740993', 'NaN', '', 'x', '0x10', '20001'];
const queries: (() => string)[] = [
  () => `slot=${one(names)}`,
  () => `from=${one(numbers)}`,
  () => `timestampMs=${one(numbers)}`,
  () => `after=${one(numbers)}`,
  () => `dryRun=${one(['true', 'false', '1'])}`,
  () => `digest=sha256:${one([first.digest, next.digest, 'f'.repeat(64), 'zz', ''])}`,
  () => `stream=${one(names)}&find=${one(names)}`,
];
const headers: (() => [string, string])[] = [
  () => ['upload-offset', one(numbers)],
  () => ['upload-length', one(numbers)],
  () => ['content-length', one(numbers)],
  () => ['content-range', one(['0-10', 'bytes 0-1/2', 'bytes */*', '5-1', 'x', '9007199254740993-9007199254740994'])],
  () => ['last-event-id', one(numbers)],
  () => ['content-type', one(['application/json', 'text/html', 'multipart/form-data'])],
  () => ['origin', one(['http://elsewhere', 'null'])],
];
const options = '{"outputs":8,"seconds":0.01,"agreement":0.5,"maxDifference":1,"latencyMs":5,"confirm":true}';
const bodies: (() => Uint8Array<ArrayBuffer> | undefined)[] = [
  () => undefined,
  () => noise(200),
  () => bytesOf(signal(1, below(100), 1 + below(8))).slice(),
  () => changed(),
  () => {
    const text = [...options];
    for (let i = below(4); i > 0; i--) text[below(text.length)] = String.fromCharCode(32 + below(95));
    return new TextEncoder().encode(text.join(''));
  },
];

async function request(authorization: string | undefined): Promise<{ status: number; code?: string; path: string }> {
  const [usual, pathOf] = one(routes);
  const method = below(5) ? one(usual) : one(methods);
  const query = Array.from({ length: below(3) }, () => one(queries)()).join('&');
  const path = pathOf();
  const body = method === 'GET' || method === 'HEAD' ? undefined : one(bodies)();
  const sent = new Headers(Array.from({ length: below(3) }, () => one(headers)()));
  if (authorization !== undefined) sent.set('authorization', authorization);
  const response = await ask(`${path}${query ? `?${query}` : ''}`, { method, headers: sent, body });
  const location = response.headers.get('location');
  if (location && locations.push(location) > 8) locations.shift();
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel();
    return { status: response.status, path };
  }
  const text = await response.text();
  const code = response.status >= 400 && text.startsWith('{"error"') ? JSON.parse(text).error.code : undefined;
  return { status: response.status, code, path: `${method} ${path}` };
}

const state = () => {
  const { active, floor, staged } = gateway.find('main').state;
  return { active: active?.digest, floor, staged };
};
const asBegun = { active: first.digest, floor: 5, staged: undefined };

test.before(async () => {
  await gateway.receive(first.wasm, first.digest);
  assert.is((await gateway.try()).phase, 'confirmed');
});
test.after(async () => {
  intake.close();
  await gateway.close();
});

test('without the token, nothing below /v1 is read or changed', async () => {
  const before = JSON.stringify([state(), [...gateway.slots.keys()], [...gateway.streams.keys()]]);
  let below1 = 0;
  for (let i = 0; i < count / 4; i++) {
    const { status, code, path } = await request(one([undefined, '', 'Bearer', 'Bearer nonsense', `Basic ${token}`, token]));
    assert.ok(status < 500 || status === 503, `${path}: ${status}`);
    if (!/^\S+ \/v1\//.test(path)) continue;
    below1++;
    assert.ok(
      [400, 401, 403].includes(status) && [undefined, 'RN811', 'RN814', 'RN841'].includes(code),
      `${path}: ${status} ${code}`,
    );
  }
  assert.ok(below1 > count / 20);
  assert.is(JSON.stringify([state(), [...gateway.slots.keys()], [...gateway.streams.keys()]]), before);
});

test('with the token, requests are refused with a code, there is no fault, and no unsigned bundle is installed', async () => {
  const seen = new Map<number, number>();
  const codes = new Set<string>();
  for (let i = 0; i < count; i++) {
    const { status, code, path } = await request(`Bearer ${token}`);
    seen.set(status, (seen.get(status) ?? 0) + 1);
    if (code) codes.add(code);
    assert.ok(status !== 500 && code !== 'RN849', `${path}: ${status} ${code}`);
    if (i % 100 === 0) assert.equal(state(), asBegun);
  }
  assert.equal(state(), asBegun);
  const shares = [...seen].sort(([a], [b]) => a - b).map(([status, n]) => `${n} x ${status}`);
  console.log(`  ${shares.join(', ')}; codes ${[...codes].sort().join(' ')}`);
  assert.ok(codes.size >= 8 && (seen.get(202) ?? 0) > 0, 'the requests reach little');
});

test('a changed binary message is refused with a code or taken as frames, and another stream is undisturbed', async () => {
  const outputs: Uint8Array[] = [];
  const stop = gateway.events.on('output', ({ stream, raw }) => {
    if (stream === 'beside') outputs.push(Uint8Array.from(raw));
  });
  let refused = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const frames = bytesOf(signal(2, below(50), below(5)));
    const bytes = writeFrames({ stream: one(['s', 't', '', '..']), from: below(3) ? below(200) : undefined, bytes: frames });
    for (let n = below(4); n > 0; n--) bytes[below(bytes.length)] = below(256);
    try {
      const message = readFrames(below(8) ? bytes : (uncobs(noise(80)) ?? noise(80)));
      intake.take({ ...message, stream: message.stream ?? 's' });
    } catch (error) {
      if (!isRunletError(error)) throw error;
      assert.is.not(error.code, 'RN849');
      refused++;
    }
    if (i % Math.ceil(count / 100) === 0) {
      gateway.push('beside', bytesOf(signal(3, at, 4)), { from: at });
      at += 4;
    }
    if (i % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const want = expected(3, at);
  for (let wait = 0; outputs.length < want.length && wait < 1000; wait++) await new Promise((resolve) => setTimeout(resolve, 10));
  stop();
  const hash = (all: readonly ArrayBufferView[]) => {
    const sum = createHash('sha256');
    for (const { buffer, byteOffset, byteLength } of all) sum.update(new Uint8Array(buffer, byteOffset, byteLength));
    return sum.digest('hex');
  };
  assert.is(outputs.length, want.length);
  assert.is(hash(outputs), hash(want));
  assert.ok(refused > count / 20 && refused < count);
  console.log(
    `  ${refused} of ${count} messages refused; ${outputs.length} outputs beside them, ${channels} values each, as without them`,
  );
  assert.equal(state(), asBegun);
});

test.run();
