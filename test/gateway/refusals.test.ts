/**
 * Bad uploads over the wire. Each is refused, or reverted in its trial, with its own code; the running bundle
 * is undisturbed and nothing is left on the disk.
 *
 * After every case the running stream gets frames, and its outputs are those of an uninterrupted run. The
 * disk has the state and one bundle.
 */

import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newKeyPair } from '../../assembly/bundle/keys.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { signBundle, unsigned } from '../../assembly/bundle/sign.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import type { TrialOptions } from '../../host/gateway/hub/trial.ts';
import { tinyBundle, withSection } from '../host/tiny-bundle.ts';
import { type BundleOptions, bundleOf, bytesOf, digestOf, expected, keys, signal } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';
import { knocker } from './knock.ts';

const token = 'a-token-of-some-length';
const maxBytes = 20_000;
const maxMemoryBytes = 4 << 16;
const disk = new CrashDisk();
const policy = { keys: [keys.publicKey], maxBytes, maxMemoryBytes };
const gateway = await Gateway.open(disk, { policy, pool: { threads: 1, budgetMs: 500 } });
const { app, uploads } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
const knock = knocker(app, new Door({ token, requestsPerMinute: 1e6 }));

const ask = (method: string, path: string, body?: Uint8Array | string, headers: Record<string, string> = {}) =>
  knock(path, { method, body: body as BodyInit, headers: { authorization: `Bearer ${token}`, ...headers } });
const codeIn = async (response: Response): Promise<string> => {
  const text = await response.text();
  if (response.status < 400) return 'taken';
  const { code, what } = JSON.parse(text).error;
  assert.ok(what.length > 10 && !what.endsWith('.'), text);
  return code;
};
const begin = async (headers: Record<string, string> = {}, slot = 'main') => {
  const response = await ask('POST', `/v1/uploads?slot=${slot}`, undefined, headers);
  if (response.status !== 201) return codeIn(response);
  return ((await response.json()) as { location: string }).location;
};

/** Uploads a bundle and tries it. @returns the code of the refusal */
async function flash(wasm: Uint8Array, digest = digestOf(wasm), options: Partial<TrialOptions> = {}): Promise<string> {
  const location = await begin();
  for (let at = 0; at < wasm.length; at += 700) {
    const code = await codeIn(await ask('PATCH', location, wasm.slice(at, at + 700), { 'upload-offset': `${at}` }));
    if (code !== 'taken') return code;
  }
  const code = await codeIn(await ask('PUT', `${location}?digest=sha256:${digest}`));
  if (code !== 'taken') return code;
  const usual = { enduranceHops: 2400, enduranceSeconds: 6, outputs: 4, agreement: 0.5, seconds: 3 };
  const report = await gateway.try('main', { ...usual, ...options });
  return report.failure?.code ?? report.phase;
}

// the running bundle, and a stream that continues through all cases
const first = await bundleOf(5);
let at = 0;
let outputs = 0;
const wrong: string[] = [];
gateway.events.on('output', ({ stream, sequence, raw }) => {
  if (stream !== 'wrist') return;
  const want = expected(0, 8 + 4 * sequence).at(-1) as Int8Array;
  if (sequence !== outputs++ || !want.every((value, i) => value === raw[i])) wrong.push(`output ${sequence}`);
});
const feed = () => {
  gateway.push('wrist', bytesOf(signal(0, at, 8)), { from: at });
  at += 8;
};
let feeding: NodeJS.Timeout;

test.before(async () => {
  assert.is(await flash(first.wasm), 'confirmed');
  feed();
  feeding = setInterval(feed, 40);
});
test.after(async () => {
  clearInterval(feeding);
  await gateway.close();
});

async function undisturbed(): Promise<void> {
  const { active, floor, staged, trial } = gateway.find('main').state;
  assert.equal([active?.digest, floor, staged, trial], [first.digest, 5, undefined, false]);
  assert.is(uploads.size, 0, 'an upload is left');
  assert.equal(disk.files(), [`blobs/${first.digest}`, 'state'], 'something is left on the disk');
  const before = outputs;
  feed();
  for (let wait = 0; outputs < before + 2; wait++) {
    assert.ok(wait < 1000, 'the stream stands still');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(wrong, []);
}

let cases = 0;
const refuses = (what: string, code: string, run: () => Promise<string>): void => {
  cases++;
  test(`${code}: ${what}`, async () => {
    assert.is(await run(), code);
    await undisturbed();
  });
};

// errors of the transport
const other = await bundleOf(6);
refuses('no token', 'RN811', async () => codeIn(await knock('/v1/uploads', { method: 'POST' })));
refuses('another token', 'RN811', async () =>
  codeIn(await ask('POST', '/v1/uploads', undefined, { authorization: 'Bearer nonsense' })),
);
refuses('too large, as it says itself', 'RN808', () => begin({ 'upload-length': `${maxBytes + 1}` }));
refuses('too large, which it does not say', 'RN808', async () => flash(new Uint8Array(maxBytes + 1)));
refuses('a length that is no number', 'RN814', () => begin({ 'upload-length': '1e3' }));
refuses('more than was announced', 'RN809', async () =>
  codeIn(await ask('PATCH', await begin({ 'upload-length': '10' }), new Uint8Array(11))),
);
refuses('less than was announced', 'RN809', async () => {
  const location = await begin({ 'upload-length': '10' });
  await ask('PATCH', location, new Uint8Array(9));
  const code = await codeIn(await ask('PUT', `${location}?digest=sha256:${'0'.repeat(64)}`));
  await ask('DELETE', location);
  return code;
});
refuses('nothing at all', 'RN809', async () => {
  const location = await begin();
  const code = await codeIn(await ask('PUT', `${location}?digest=sha256:${'0'.repeat(64)}`));
  await ask('DELETE', location);
  return code;
});
for (const [what, headers, code] of [
  ['a piece with a hole before it', { 'upload-offset': '5' }, 'RN807'],
  ['a piece with a hole before it, as OCI says it', { 'content-range': '5-8' }, 'RN807'],
  ['a range that is none', { 'content-range': 'everything' }, 'RN814'],
  ['an offset below nothing', { 'upload-offset': '-1' }, 'RN814'],
] as const)
  refuses(what, code, async () => {
    const location = await begin();
    const found = await codeIn(await ask('PATCH', location, new Uint8Array(4), headers as never));
    await ask('DELETE', location);
    return found;
  });
for (const digest of ['', '?digest=', `?digest=md5:${'0'.repeat(32)}`, `?digest=sha256:${'G'.repeat(64)}`])
  refuses(`a digest that is none: ${digest}`, 'RN814', async () => {
    const location = await begin();
    const code = await codeIn(await ask('PUT', `${location}${digest}`));
    await ask('DELETE', location);
    return code;
  });
refuses('an upload that nobody began', 'RN806', async () => codeIn(await ask('PATCH', '/v1/uploads/nobody', new Uint8Array(4))));
refuses('an upload whose name leads elsewhere', 'RN806', async () =>
  codeIn(await ask('PATCH', '/v1/uploads/..%2f..%2fstate', new Uint8Array(4))),
);
for (const name of ['..%2fstate', '..', '.hidden', 'a%2fb', 'a%00', 'a%20b', `${'x'.repeat(65)}`, '%C3%A4'])
  refuses(`slot ${name}`, 'RN805', () => begin({}, name));
for (const [body, what] of [
  ['{', 'no JSON'],
  ['{"outputs":0}', 'no outputs'],
  ['{"confirm":"yes"}', 'a text for a truth'],
  ['{"__proto__":{},"force":true}', 'a field that there is not'],
  [' '.repeat(5000), 'too much'],
] as const)
  refuses(`a trial asked for with ${what}`, 'RN814', async () => codeIn(await ask('POST', '/v1/slots/main/trial', body)));
refuses('a trial of nothing', 'RN804', async () => codeIn(await ask('POST', '/v1/slots/main/trial')));
refuses('a confirmation of nothing', 'RN804', async () => codeIn(await ask('POST', '/v1/slots/main/confirm')));
refuses('a rollback to nothing', 'RN804', async () => codeIn(await ask('POST', '/v1/slots/main/rollback')));

// bytes other than the signed ones
refuses('another digest', 'RN810', () => flash(other.wasm, '0'.repeat(64)));
const changed = (index: number) => {
  const copy = other.wasm.slice();
  copy[index < 0 ? copy.length + index : index] = (copy.at(index) as number) ^ 1;
  return copy;
};
for (const [index, code] of [
  [0, 'RN600'],
  [4, 'RN600'],
  [8, 'RN608'],
  [12, 'RN608'],
  [60, 'RN601'],
  [100, 'RN610'],
  [145, 'RN610'],
  [400, 'RN610'],
  [-1, 'RN610'],
] as const)
  refuses(`byte ${index} flipped`, code, () => flash(changed(index)));
for (const length of [1, 7, 8, 100, 141, 700, other.wasm.length - 1])
  refuses(`cut off after ${length} bytes`, length < 8 ? 'RN600' : length === 8 ? 'RN608' : length < 141 ? 'RN601' : 'RN610', () =>
    flash(other.wasm.slice(0, length)),
  );
refuses('a section after the signed ones', 'RN610', () => flash(withSection(other.wasm, 'more', new Uint8Array(3))));
refuses('signed by somebody else', 'RN610', async () => flash((await bundleOf(6, { key: await newKeyPair() })).wasm));
refuses('not signed', 'RN608', () => flash(unsigned(other.wasm)));
refuses('no module', 'RN600', () => flash(new TextEncoder().encode('#!/bin/sh\nrm -rf /\n')));
refuses('zeros', 'RN600', () => flash(new Uint8Array(1000)));

// signed bundles that do not fit this slot, or whose manifest is wrong
const bad = (what: string, code: string, options: BundleOptions, sequence = 6): void =>
  refuses(what, code, async () => flash((await bundleOf(sequence, options)).wasm));
const says = (what: string, code: string, change: (m: Manifest) => unknown): void => bad(what, code, { manifest: change });
refuses('the bundle that runs already', 'RN818', () => flash(first.wasm));
bad('an older sequence number', 'RN817', {}, 4);
bad('the same sequence number under another version', 'RN817', { version: '9.9.9' }, 5);
says('no sequence number', 'RN816', ({ sequence, ...m }) => m);
says('no version', 'RN816', ({ version, ...m }) => m);
says('a version that is a path', 'RN816', (m) => ({ ...m, version: '../1' }));
says('a negative sequence number', 'RN605', (m) => ({ ...m, sequence: -1 }));
says('a sequence number above 2^53', 'RN605', (m) => ({ ...m, sequence: 1e300 }));
for (const name of ['../../etc/passwd', 'a/b', '', '.', 'a\u0000b', '\u202egnp', 'x'.repeat(65)])
  bad(`name ${JSON.stringify(name)}`, 'RN815', { name });
says('another ABI', 'RN604', (m) => ({ ...m, abi: 2 }));
says('another form of manifest', 'RN604', (m) => ({ ...m, manifest: 2 }));
says('a target for other engines', 'RN819', (m) => ({ ...m, target: 'avx512' }));
says('weights in a separate file', 'RN821', (m) => ({
  ...m,
  bytes: { ...m.bytes, weightBytes: 8, memoryBytes: m.bytes.memoryBytes + 8 },
  weights: { home: 'linear', bytes: 8, digest: '0'.repeat(64) },
}));
says('a command', 'RN607', (m) => ({ ...m, form: 'wasi' }));
says('no self-test', 'RN824', (m) => ({ ...m, golden: { ...m.golden, outputs: 0 } }));
says('a self-test of other outputs', 'RN713', (m) => ({ ...m, golden: { ...m.golden, digest: '0'.repeat(64) } }));
says('a self-test of more outputs', 'RN713', (m) => ({ ...m, golden: { ...m.golden, outputs: 99 } }));
says('a memory size other than the module has', 'RN826', (m) => ({
  ...m,
  bytes: { ...m.bytes, paddingBytes: 1 << 17, memoryBytes: m.bytes.memoryBytes + (1 << 17) },
}));
says('more memory than the policy allows', 'RN820', (m) => ({
  ...m,
  bytes: { ...m.bytes, paddingBytes: 1 << 20, memoryBytes: m.bytes.memoryBytes + (1 << 20) },
}));
says('other scales than the module', 'RN705', (m) => ({ ...m, inputs: m.inputs.map((p) => ({ ...p, scale: 0.25 })) }));
says('another zero point', 'RN705', (m) => ({ ...m, outputs: m.outputs.map((p) => ({ ...p, zeroPoint: 3 })) }));
says('another hop', 'RN705', (m) => ({ ...m, hop: 5 }));
says('another window', 'RN705', (m) => ({ ...m, window: 16 }));
says('less state than the module', 'RN705', (m) => ({
  ...m,
  bytes: { ...m.bytes, stateBytes: 16, paddingBytes: m.bytes.stateBytes - 16 },
}));
says('elements that are not its shape', 'RN606', (m) => ({ ...m, inputs: m.inputs.map((p) => ({ ...p, elements: 7 })) }));
says('a list for a manifest', 'RN605', () => []);
says('another rate', 'RN822', (m) => ({ ...m, sampleRateHz: 50 }));
says('a front end before it', 'RN822', (m) => ({ ...m, frontEnd: 'ppg' }));
bad('fewer channels', 'RN822', { channels: 5 });
bad('another type of frames', 'RN822', { hostType: 'float32' });
says('outputs of another type', 'RN823', (m) => ({ ...m, outputs: m.outputs.map((p) => ({ ...p, hostType: 'int8' })) }));
refuses('no manifest', 'RN602', async () => flash(await signBundle(await tinyBundle({ bare: true }), keys)));
refuses('two manifests', 'RN602', async () =>
  flash(await signBundle(withSection(unsigned(other.wasm), 'runlet', new TextEncoder().encode('{}')), keys)),
);
refuses('a manifest that is no JSON', 'RN603', async () =>
  flash(await signBundle(withSection(await tinyBundle({ bare: true }), 'runlet', new TextEncoder().encode('{')), keys)),
);

// modules that violate ABI 1
const edit = (...edits: [string, string][]): BundleOptions => ({ edit: edits });
const loop = 'while (load<i32>(state) != 7) store<i32>(state, load<i32>(state) | 1);';
const inPush = (body: string): [string, string] => ['let due: i32 = 0;', `let due: i32 = 0; ${body}`];
const atPush = (n: number, body: string) =>
  inPush(`store<i32>(state, load<i32>(state, 12) + 1, 12); if (load<i32>(state, 12) == ${n}) { ${body} }`);
const inReset = (body: string): [string, string] => [
  'export function rn_reset(): void {',
  `export function rn_reset(): void { ${body}`,
];
bad('memory that grows', 'RN825', { memory: ['--initialMemory', '1', '--maximumMemory', '2'] });
bad('memory without a maximum', 'RN825', { memory: ['--initialMemory', '1'] });
bad('memory that is shared', 'RN825', {
  memory: ['--initialMemory', '1', '--maximumMemory', '1', '--sharedMemory', '--enable', 'threads'],
});
bad('an imported memory', 'RN607', { memory: ['--initialMemory', '1', '--maximumMemory', '1', '--importMemory'] });
bad('too large a memory', 'RN820', { memory: ['--initialMemory', '2000', '--maximumMemory', '2000'] });
bad(
  'an import',
  'RN607',
  edit(
    ['const C: i32', '@external("env", "fetch") declare function fetch(): i32;\nconst C: i32'],
    inPush('if (frames == 77) return fetch();'),
  ),
);
bad(
  'a start function',
  'RN829',
  edit(['const C: i32', 'let started: i32 = 0; memory.fill(16, 0, 1); while (load<i32>(60000) == 0) started++;\nconst C: i32']),
);
bad('ABI 2', 'RN702', edit(['export function rn_abi(): i32 { return 1; }', 'export function rn_abi(): i32 { return 2; }']));
bad('a missing export', 'RN703', edit(['export function rn_state', 'export function rn_stat']));
bad('state beyond the memory', 'RN704', edit(['return <i32>state; }', 'return 0x7ffffff0; }']));
bad('an input at 0', 'RN704', edit(['return which == 0 ? <i32>input : 0;', 'return 0;']));
bad('an endless loop in reset', 'RN830', edit(inReset(loop)));
bad('an endless loop in push', 'RN830', edit(inPush(loop)));
bad('an endless loop on the 1,000th push', 'RN830', edit(atPush(1000, loop)));
bad(
  'an endless loop in rn_info',
  'RN830',
  edit(['export function rn_info(what: i32): i32 {', `export function rn_info(what: i32): i32 { ${loop}`]),
);
bad('a trap in reset', 'RN831', edit(inReset('unreachable();')));
bad('a trap on the first push', 'RN831', edit(inPush('unreachable();')));
bad('a trap on the 1,000th push', 'RN831', edit(atPush(1000, 'unreachable();')));
bad('an error on the 1,000th push', 'RN831', edit(atPush(1000, 'return -5;')));
// some milliseconds per hop on any machine: over its latency budget, and far below the watchdog's limit
const slow = edit(inPush('for (let k: i32 = 0; k < 6000000; k++) store<i32>(60000, load<i32>(60000) + k);'));
refuses('a slow module', 'RN832', async () => flash((await bundleOf(6, slow)).wasm, undefined, { latencyMs: 0.5 }));
bad(
  'state outside the declared state',
  'RN834',
  edit(inPush('store<i32>(60000, load<i32>(60000) + 1);'), ['sum >> 3', '(sum >> 3) + (load<i32>(60000) > 700 ? 1 : 0)']),
);
// these modules can tell a stream that began with them from one that they took over
const marked: [string, string] = ['store<i32>(state, 0, 12);', 'store<i32>(state, 1, 12);'];
bad(
  'other outputs on a stream that it took over',
  'RN833',
  edit(marked, ['sum >> 3', 'load<i32>(state, 12) ? sum >> 3 : -(sum >> 3)']),
);
bad('no outputs on a stream that it took over', 'RN838', {
  ...edit(marked, ['due = 1;', 'due = load<i32>(state, 12);']),
});

test(`there are ${cases} cases`, () => assert.ok(cases >= 60));

test.run();
