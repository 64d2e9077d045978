/**
 * Provokes every code of runlet.h: with modules that have one error, with limits, keys, weights and calls.
 * Each code has a text and a line in docs/c-host.md.
 *
 * What runlet_check refuses, runlet_open refuses with the same code. It then holds no memory, and sanitizers
 * find no access outside of it.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build as buildBundle } from '../../assembly/build.ts';
import { hexOf, newKeyPair } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { textOf } from '../sources.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { customSection, makeModule, type Parts, replaced, tileImport } from './modules.ts';
import { absent, answer, at, build, mcu, openssl, selfTestFiles } from './tools.ts';

/** These tests use OpenSSL for the trust functions. */
const why = absent ?? (openssl ? undefined : 'no OpenSSL headers: the package libssl-dev');
if (why) console.log(`skipped: ${why}`);
const only = why ? test.skip : test;

const numbers = new Map(
  [...readFileSync(join(mcu, 'runlet.h'), 'utf8').matchAll(/^ {2}RUNLET_(\w+) = (-?\d+),?\s/gm)].map(([, name, value]) => [
    name as string,
    Number(value),
  ]),
);
const provoked = new Set<string>();

interface Answer {
  start: number;
  check: number;
  open: number;
  calls: number[];
  words: string;
  held: number;
}

type Options = Record<string, string | number | string[]>;

let count = 0;
function open({ wasm, weights }: { wasm?: Uint8Array; weights?: Uint8Array }, options: Options = {}): Answer {
  const args: string[] = [];
  const file = (name: string, bytes?: Uint8Array) => {
    if (!bytes) return;
    const path = at(`${name}-${count++}`);
    writeFileSync(path, bytes);
    args.push(`${name}=${path}`);
  };
  file('module', wasm);
  file('weights', weights);
  for (const [name, value] of Object.entries(options)) for (const one of [value].flat()) args.push(`${name}=${one}`);
  return answer(build('open.c', { more: [...selfTestFiles, join(import.meta.dirname, 'crypto.c'), '-lcrypto'] }), ...args);
}

const nameOf = (code: number): string => [...numbers].find(([, value]) => value === code)?.[0] ?? String(code);

/** Opens a bundle and expects a code, given by its name. */
function expect(code: string, bundle: { wasm?: Uint8Array; weights?: Uint8Array }, options?: Options): Answer {
  const got = open(bundle, options);
  assert.is(nameOf(got.open), code, JSON.stringify(got));
  if (got.check < 0) assert.is(got.check, got.open);
  assert.ok(got.held <= 0, `${got.held} bytes of the pool are held`);
  provoked.add(code);
  return got;
}
const expectParts = (code: string, parts: Parts, options?: Options) => expect(code, { wasm: makeModule(parts) }, options);

const good = makeModule();
const shared: Bundle[] = [];
const homes = ['embed', 'linear', 'tile'] as const;
const bundleOf = async (home: (typeof homes)[number]): Promise<Bundle> =>
  (shared[homes.indexOf(home)] ??= await buildBundle(quantPlan(planStream(tinyStream(), { hop: 12 })), { weights: home }));

only('a good module opens, and its calls give the expected codes', () => {
  const { calls, words } = expect('OK', { wasm: good }, { calls: 'ppsrRcpsSrRT' });
  const [use] = [numbers.get('USE')];
  assert.equal(calls, [1, 1, 0, 0, 0, 0, use, use, use, use, use, use]);
  assert.is(words, '');
  assert.is(open({ wasm: good }, { calls: 'p', stack: 8192 }).calls[0], numbers.get('DUE'));
  assert.is(open({ wasm: makeModule({ push: '(i32.const 0)' }) }, { calls: 'p' }).calls[0], numbers.get('OK'));
  provoked.add('DUE');
});

only('USE and POOL: calls in a wrong order, and a pool that is too small', () => {
  expect('USE', { wasm: good }, { unstarted: 1 });
  expect('USE', {});
  const started = (options: Options) => nameOf(open({ wasm: good }, options).start);
  assert.is(started({ twice: 1 }), 'USE');
  assert.is(open({ wasm: good }, { calls: 'n' }).calls[0], numbers.get('USE'));
  // from an empty pool to a large one: each size gives an error or works
  const seen = new Set<string>();
  for (let pool = 0; pool < 20_000; pool += 300) {
    const { start, open: opened } = open({ wasm: good }, { pool });
    seen.add(start < 0 ? nameOf(start) : nameOf(opened));
  }
  assert.equal([...seen], ['POOL', 'LOAD', 'INSTANTIATE', 'OK']);
  for (const code of ['POOL', 'INSTANTIATE']) provoked.add(code);
});

only('NOT_WASM, MALFORMED, FILE_LIMIT: wrong bytes', () => {
  for (const bytes of [[0, 97, 115, 109], [0, 97, 111, 116, 3, 0, 0, 0], [0, 97, 115, 109, 2, 0, 0, 0], [1, 97, 115, 109, 1, 0, 0, 0]])
    expect('NOT_WASM', { wasm: Uint8Array.from(bytes) }); // biome-ignore format: a list
  const header = [...good.subarray(0, 8)];
  const with_ = (...bytes: number[]) => ({ wasm: Uint8Array.from([...good, ...bytes]) });
  for (const bundle of [
    with_(13, 0),
    with_(1, 0),
    with_(10, 0),
    with_(0, 200),
    with_(0, 0),
    with_(0, 3, 9, 65, 65),
    with_(0, 0x80, 0x80, 0x80, 0x80, 0x10),
    { wasm: good.subarray(0, good.length - 1) },
    { wasm: Uint8Array.from([...header, 2, 1, 1]) },
    with_(...customSection('runlet', '{}'), ...customSection('runlet', '{}')),
  ])
    expect('MALFORMED', bundle);
  expect('FILE_LIMIT', { wasm: good }, { file_limit: good.length - 1 });
  expect('OK', { wasm: good }, { file_limit: good.length });
});

only('IMPORT, MEMORY, MEMORY_LIMIT: wrong imports and memories', () => {
  for (const imports of [
    '(import "env" "f" (func (param i32 i32 i32)))',
    '(import "runlet" "weight" (func (param i32 i32 i32)))',
    '(import "runlet" "weights" (func (param i32 i32)))',
    '(import "runlet" "weights" (func (param i32 i32 i64)))',
    '(import "runlet" "weights" (func (param i32 i32 i32) (result i32)))',
    '(import "runlet" "weights" (global i32))',
    `${tileImport} (import "runlet" "weights" (func (param i32 i32 i32)))`,
    '(import "env" "g" (global i32))',
  ])
    expectParts('IMPORT', { imports });
  expectParts('IMPORT', { imports: '(import "env" "memory" (memory 1 1))', memory: '', without: ['memory'] });
  for (const memory of ['1', '1 2', '0 0', '1 1 shared', '0 1']) expectParts('MEMORY', { memory });
  expectParts('MEMORY', { more: '(memory 1 1)' });
  expectParts('MEMORY_LIMIT', {}, { memory_limit: 1023 });
  expectParts('OK', {}, { memory_limit: 1024 });
  // memory that is not shrunk has a whole page; also memory that WAMR does not shrink for other reasons
  expectParts('MEMORY_LIMIT', { dataEnd: '(i32.const 1020)' , heapBase: '(i32.const 1020)' }, { memory_limit: 65535 }); // biome-ignore format: one line
  expectParts('MEMORY_LIMIT', { push: '(memory.grow (i32.const 0))' }, { memory_limit: 2048 });
  expectParts('MEMORY_LIMIT', { memory: '65536 65536', heapBase: '(i32.const -16)' }, { memory_limit: 1 << 20 });
});

only('START, EXPORT: a start function, and missing or wrong exports', () => {
  expectParts('START', { more: '(func $s) (start $s)' });
  for (const name of ['__post_instantiate', '_initialize', '__wasm_call_ctors', 'malloc', 'rn'])
    expectParts('START', { more: `(func (export "${name}"))` });
  expectParts('OK', { more: '(func (export "rn_later")) (global (export "more") i32 (i32.const 1))' });
  const names = ['memory', '__heap_base', '__data_end', 'rn_abi', 'rn_input', 'rn_output', 'rn_push', 'rn_reset', 'rn_state', 'rn_info']; // biome-ignore format: a list
  for (const name of names) expectParts('EXPORT', { without: [name] });
  for (const [name, func] of [
    ['rn_abi', '(param i32) (result i32) (i32.const 1)'],
    ['rn_abi', '(result i64) (i64.const 1)'],
    ['rn_push', '(param i64) (result i32) (i32.const 1)'],
    ['rn_push', '(param i32)'],
    ['rn_reset', '(result i32) (i32.const 1)'],
    ['__heap_base', ''],
    ['memory', ''],
  ])
    expectParts('EXPORT', { without: [name as string], more: `(func (export "${name}") ${func})` });
  expectParts('EXPORT', { without: ['rn_abi'], more: '(global (export "rn_abi") i32 (i32.const 1))' });
  expectParts('EXPORT', { without: ['__heap_base'], more: '(global (export "__heap_base") i64 (i64.const 1024))' });
  expectParts('EXPORT', { without: ['__heap_base'], more: '(global (export "__heap_base") (mut i32) (i32.const 1024))' });
  expect('EXPORT', { wasm: replaced(makeModule({ more: '(func (export "rn_abj") (result i32) (i32.const 1))' }), 'rn_abj', 'rn_abi') }); // biome-ignore format: one line
  // an export with the index of an import
  expect('EXPORT', { wasm: replaced(makeModule({ imports: tileImport }), [6, 114, 110, 95, 97, 98, 105, 0, 1], [6, 114, 110, 95, 97, 98, 105, 0, 0]) }); // biome-ignore format: one line
});

only('FEATURE and LOAD: modules that this WAMR cannot run', async () => {
  const { wasm } = await buildBundle(quantPlan(planStream(tinyStream(), { hop: 12 })), { target: 'simd' });
  expect('FEATURE', { wasm });
  assert.match(expect('LOAD', { wasm }, { simd: 1 }).words, /WASM module load failed/);
  const filled = makeModule({ push: '(memory.fill (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)' });
  assert.match(expect('LOAD', { wasm: filled }).words, /./);
  // a message is cut to its buffer
  assert.is(expect('LOAD', { wasm: filled }, { words: 5 }).words, 'WASM');
  assert.is(expect('LOAD', { wasm: filled }, { words: 1 }).words, '');
  assert.is(expect('LOAD', { wasm: filled }, { words: 0 }).words, '');
});

only('UNSIGNED, SIGNATURE: with OpenSSL as the firmware’s library', async () => {
  const [mine, other] = [await newKeyPair(), await newKeyPair()];
  const key = hexOf(mine.publicKey);
  const { wasm } = await bundleOf('embed');
  const signed = await signBundle(wasm, mine);
  const trusts = { sha256: 1, verify: 1, key };
  expect('OK', { wasm: signed }, { ...trusts, calls: 'p' });
  expect('OK', { wasm: await signBundle(wasm, mine, { id: false }) }, { ...trusts, key: [hexOf(other.publicKey), key] });
  expect('OK', { wasm: signed });
  expect('OK', { wasm: signed }, { trust: 1 });
  expect('UNSIGNED', { wasm }, trusts);
  expect('UNSIGNED', { wasm: Uint8Array.from([...wasm, ...signed.subarray(8, 8 + 132)]) }, trusts);
  expect('USE', { wasm: signed }, { verify: 1, key });
  expect('SIGNATURE', { wasm: signed }, { ...trusts, key: hexOf(other.publicKey) });
  expect('SIGNATURE', { wasm: signed }, { sha256: 1, verify: 1 });
  const changed = signed.slice();
  changed[changed.length - 5] = (changed[changed.length - 5] as number) ^ 1;
  expect('SIGNATURE', { wasm: changed }, trusts);
  // version, content, hash function; the hash; the signature
  const start = 8 + 3 + 10;
  for (const [byte, code] of [
    [0, 'UNSIGNED'],
    [1, 'UNSIGNED'],
    [2, 'UNSIGNED'],
    [10, 'SIGNATURE'],
    [118, 'SIGNATURE'],
  ] as const) {
    // biome-ignore format: one line
    const copy = signed.slice();
    copy[start + byte] = (copy[start + byte] as number) ^ 2;
    expect(code, { wasm: copy }, trusts);
  }
});

only('WEIGHTS_*: weights that are missing, extra, of a wrong length, misaligned or changed', async () => {
  const embed = await bundleOf('embed');
  expect('WEIGHTS_EXTRA', { wasm: embed.wasm, weights: new Uint8Array(4) });
  expect('WEIGHTS_EXTRA', { wasm: embed.wasm, weights: new Uint8Array(4) }, { sha256: 1 });
  for (const home of ['linear', 'tile'] as const) {
    const { wasm, weights = new Uint8Array() } = await bundleOf(home);
    assert.is(expect('OK', { wasm, weights }, { sha256: 1, calls: 'p' }).calls[0], 0);
    expect('WEIGHTS_MISSING', { wasm });
    expect('WEIGHTS_BYTES', { wasm, weights: weights.subarray(4) });
    expect('WEIGHTS_BYTES', { wasm, weights: Uint8Array.from([...weights, 0, 0, 0, 0]) });
    expect('WEIGHTS_BYTES', { wasm, weights }, { odd: 1 });
    const changed = weights.slice();
    changed[7] = (changed[7] as number) ^ 64;
    expect('OK', { wasm, weights: changed });
    expect('WEIGHTS_DIGEST', { wasm, weights: changed }, { sha256: 1 });
  }
  // without a manifest only the module says what it needs, and no digest covers the weights
  const apart = makeModule({ imports: tileImport, info: { 7: 64, 11: 2 } });
  expect('WEIGHTS_MISSING', { wasm: apart });
  expect('OK', { wasm: apart, weights: new Uint8Array(64) });
  expect('WEIGHTS_DIGEST', { wasm: apart, weights: new Uint8Array(64) }, { sha256: 1 });
});

only('ABI, LAYOUT: wrong values of rn_info', () => {
  expectParts('ABI', { abi: 2 });
  const layouts: [Parts, Options?][] = [
    ...[
      [0, 0],
      [0, -1],
      [1, 0],
      [8, 0],
      [8, 1025],
      [5, 2000],
      [9, 0],
      [9, 7],
      [10, 0],
      [10, 7],
      [16, 0],
      [16, 4],
      [17, 0],
      [17, 2000],
      [17, -1],
      [65, 600],
      [11, 3],
      [11, 0x7f],
    ].map(
      // biome-ignore format: a table
      ([what, value]): [Parts] => [{ info: { [what as number]: value as number } }],
    ),
    [{ info: { 20: 0 } }],
    [{ info: { 20: 0x40000000 } }],
    [{ input: 0 }],
    [{ input: 509 }],
    [{ input: 65, info: { 16: 2 } }],
    [{ input: -8 }],
    [{ output: 511 }],
    [{ output: 0 }],
    [{ state: 481 }],
    [{ state: -1 }],
    [{ info: { 9: 2 } }],
  ];
  for (const [parts] of layouts) expectParts('LAYOUT', parts);
  expectParts('OK', { input: 504 });
  expectParts('OK', { state: 480 });
  const weights = new Uint8Array(64);
  for (const at of [964, 1024, -64, 258]) expect('LAYOUT', { wasm: makeModule({ info: { 6: at, 7: 64, 11: 1 } }), weights });
  expect('OK', { wasm: makeModule({ info: { 6: 960, 7: 64, 11: 1 } }), weights });
});

only('FRAMES, TRAP, INSTRUCTIONS, ANSWER, STATE: errors of the calls', () => {
  const codes = (parts: Parts, calls: string, options?: Options) =>
    expectParts('OK', parts, { calls, ...options }).calls.map(nameOf);
  assert.equal(codes({}, '0+pST'), ['FRAMES', 'FRAMES', 'DUE', 'STATE', 'STATE']);
  assert.equal(codes({ push: '(unreachable)' }, 'pprpRr'), ['TRAP', 'TRAP', 'OK', 'TRAP', 'USE', 'OK']);
  for (const value of [2, 5, -1, -2, -3, -25]) assert.equal(codes({ push: `(i32.const ${value})` }, 'pp'), ['ANSWER', 'ANSWER']);
  assert.match(expectParts('TRAP', { reset: '(unreachable)' }).words, /unreachable/);
  const endless = '(loop $l (br $l)) (unreachable)';
  const limited = { instructions: 100_000 };
  assert.equal(codes({ push: endless }, 'pprp', limited), ['INSTRUCTIONS', 'TRAP', 'OK', 'INSTRUCTIONS']);
  expectParts('INSTRUCTIONS', { reset: endless }, limited);
  // arguments of the import
  for (const [dst, src, n, code] of [
    [256, 0, 64, 'OK'],
    [960, 0, 64, 'OK'],
    [256, 64, 0, 'OK'],
    [256, 4, 64, 'TRAP'],
    [256, 68, 0, 'TRAP'],
    [256, -4, 8, 'TRAP'],
    [256, 0, -4, 'TRAP'],
    [964, 0, 64, 'TRAP'],
    [1024, 0, 4, 'TRAP'],
    [-32, 0, 64, 'TRAP'],
    [257, 0, 4, 'TRAP'],
    [256, 2, 4, 'TRAP'],
    [256, 0, 6, 'TRAP'],
  ] as const) {
    // biome-ignore format: a table
    const push = `(call $weights (i32.const ${dst}) (i32.const ${src}) (i32.const ${n})) (i32.const 0)`;
    const wasm = makeModule({ imports: tileImport, info: { 7: 64, 11: 2 }, push });
    const { calls } = open({ wasm, weights: new Uint8Array(64) }, { calls: 'p' });
    assert.is(nameOf(calls[0] as number), code, `${dst} ${src} ${n}`);
  }
  for (const code of ['FRAMES', 'ANSWER', 'STATE']) provoked.add(code);
});

only('CARRIES_STATE: a bundle behind a gate, whose manifest says that it may sleep', () => {
  const codes = (manifest: string | undefined, calls: string, parts: Parts = {}) => {
    const section = manifest === undefined ? [] : customSection('runlet', manifest);
    return open({ wasm: Uint8Array.from([...makeModule(parts), ...section]) }, { calls }).calls.map(nameOf);
  };
  assert.equal(codes('{"mode":"stream"}', 'bBcb'), ['OK', 'USE', 'OK', 'USE']);
  assert.equal(codes('{"mode":"stream","carriesState":true}', 'bp'), ['CARRIES_STATE', 'DUE']);
  // a name inside a text or an object is none of the manifest
  assert.equal(codes('{"name":"\\"carriesState\\":true","a":{"carriesState":true}}', 'b'), ['OK']);
  assert.equal(codes(undefined, 'bp'), ['CARRIES_STATE', 'DUE']);
  const wrong: Record<number, number>[] = [{ 2: 0 }, { 1: -1, 4: 1 }, { 3: 0x40000000 }];
  for (const info of wrong) assert.equal(codes('{}', 'b', { info }), ['LAYOUT']);
  assert.equal(codes('{}', 'b', { push: '(i32.const 1)', info: { 2: 3 } }), ['OK']);
  provoked.add('CARRIES_STATE');
});

only('GOLDEN: a self-test that is missing, broken or fails', async () => {
  const codes = (wasm: Uint8Array, weights?: Uint8Array) => open({ wasm, weights }, { calls: 'gpg' }).calls.map(nameOf);
  for (const home of homes) {
    const { wasm, weights } = await bundleOf(home);
    const [first, , again] = codes(wasm, weights);
    assert.equal([first, again], ['OK', 'OK'], home);
  }
  const { wasm } = await bundleOf('embed');
  const text = Buffer.from(wasm).toString('latin1');
  const [golden, hops, outputs, digest] =
    /"golden":\{"seed":\d+,"hops":(\d+),"outputs":(\d+),"digest":"(\w{64})"\}/.exec(text) ?? [];
  if (!golden || !hops || !outputs || !digest) throw new Error('no golden in the manifest');
  const other = (from: string, to: string) => codes(replaced(wasm, golden, golden.replace(from, to)))[0];
  assert.is(other(digest, digest.replace(/^./, digest.startsWith('0') ? '1' : '0')), 'GOLDEN');
  assert.is(other(`"outputs":${outputs}`, `"outputs":${Number(outputs) - 1}`), 'GOLDEN');
  // more hops than readers of manifests accept; the text keeps its length, and so does the section
  const [numbers] = /"seed":\d+,"hops":\d+/.exec(golden) ?? [''];
  for (const [hops, code] of [
    [1 << 20, 'OK'],
    [(1 << 20) + 1, 'GOLDEN'],
    [999_999_999, 'GOLDEN'],
  ] as const) {
    const seed = '1'.repeat(numbers.length - `"seed":,"hops":${hops}`.length);
    const changed = replaced(wasm, numbers, `"seed":${seed},"hops":${hops}`);
    assert.is(nameOf(open({ wasm: changed }, { calls: 'G' }).calls[0] as number), code, `${hops} hops`);
  }
  for (const [
    from,
    to,
  ] of [['"seed":', '"seek":'], [`"hops":${hops.at(0)}`, '"hops":x'], [digest, digest.replace(/.$/, 'G')], ['"digest":', '"digits":']]) // biome-ignore format: one line
    assert.is(other(from as string, to as string), 'GOLDEN', to);
  assert.equal(codes(good).slice(0, 1), ['GOLDEN']);
  provoked.add('GOLDEN');
});

only('every code was provoked, has a text and a line in docs/c-host.md', () => {
  const names = [...numbers.keys()].filter((name) => name !== 'LAST');
  assert.is(names.length, 30);
  assert.equal(names.filter((name) => !provoked.has(name)), []); // biome-ignore format: one line
  const texts = [...readFileSync(join(mcu, 'runlet-text.c'), 'utf8').matchAll(/case RUNLET_(\w+): return "([^"]+)";/g)];
  assert.equal(texts.map(([, name]) => name), names); // biome-ignore format: one line
  assert.is(new Set(texts.map(([, , text]) => text)).size, names.length);
  const page = [...textOf('docs/c-host.md').matchAll(/^\| `RUNLET_(\w+)` \| (-?\d+) \| ([^|]{20,}) \|$/gm)];
  assert.equal(page.map(([, name, value]) => [name, Number(value)]), names.map((name) => [name, numbers.get(name)])); // biome-ignore format: one line
});

test.run();
