/**
 * A session with wrong values and wrong modules. A value that is no frames is refused with a RunletError, and
 * the stream is unchanged. A module that breaks the ABI is refused or closes the session until a reset.
 */
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { isRunletError, openSession, type Session } from '../../host/session/index.ts';
import { hop, type TinyOptions, tinyBundle, tinyManifest, withSection } from './tiny-bundle.ts';

const bytes = async (options: TinyOptions = {}) => (await tinyBundle(options)) as Uint8Array<ArrayBuffer>;
const open = async (options: TinyOptions = {}) => openSession(await bytes(options));

/**
 * Returns the code of the RunletError that `run` throws, 'none' without one, or the text of another error.
 */
const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
    return 'none';
  } catch (error) {
    return isRunletError(error) ? error.code : `${error}`;
  }
};

const frame = Float32Array.of(1, 2, -3, 4);
const numbersOf = (session: Session) => {
  const got: number[] = [];
  for (let n = 0; n < 4; n++) if (session.push(frame)) got.push(session.outputRaw()[0] as number);
  return got;
};

const detached = (() => {
  const array = new Float32Array(hop);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
})();
const revoked = (() => {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
})();
const thrower = Object.defineProperty([], 0, {
  enumerable: true,
  get() {
    throw new Error('no');
  },
});

/** Values that are no frames of the tiny bundle. */
const hostile: Record<string, unknown> = {
  null: null,
  undefined,
  text: 'abcd',
  number: 4,
  bigint: 4n,
  symbol: Symbol('frames'),
  function: () => 4,
  object: { length: hop, 0: 1, 1: 1, 2: 1, 3: 1 },
  proxy: new Proxy(new Float32Array(hop), {}),
  'proxy of an array': new Proxy([frame, frame], {}),
  'proxy that is revoked': revoked,
  'numbers in an array': [1, 2, 3, 4],
  'a hole': new Array(1),
  'a getter that throws': thrower,
  'null in an array': [null],
  'a text in an array': ['abcd'],
  doubles: new Float64Array(hop),
  'clamped bytes': new Uint8ClampedArray(hop),
  'big integers': new BigInt64Array(hop),
  'a buffer': new ArrayBuffer(hop),
  'a view': new DataView(new ArrayBuffer(hop)),
  'a detached array': detached,
  'a prototype': Object.create(Float32Array.prototype),
};

test('a value that is no frames is a RunletError in every call, and the stream continues unchanged', async () => {
  const expected = numbersOf(await open());
  for (const [name, value] of Object.entries(hostile)) {
    const session = await open();
    session.push(frame);
    const frames = value as Float32Array;
    const ways: Record<string, () => unknown> = {
      push: () => session.push(frames),
      pushInt8: () => session.pushInt8(value as Int8Array),
      pushAll: () => session.pushAll(frames, () => {}),
      pushPart: () => session.pushPart(frames, 0, 1),
      framesIn: () => session.framesIn(frames),
      stream: async () => {
        for await (const _ of session.stream([frames])) assert.unreachable();
        // stream() accepts pieces of a frame, so an empty one is no fault
        if (value === detached) session.push(frames);
      },
    };
    if (value === revoked) delete ways.stream; // the language's own await throws
    for (const [way, run] of Object.entries(ways)) assert.match(await codeOf(run), /^RN70[68]$/, `${way}(${name})`);
    assert.is(session.framesPushed, hop, name);
    session.reset();
    assert.equal(numbersOf(session), expected, name);
  }
});

test('type and length come from the array itself, not from its properties', async () => {
  const session = await open();
  const expected = numbersOf(await open());
  const lying = Object.defineProperty(new Float32Array(1), 'length', { value: hop });
  assert.is(session.framesIn(lying), 1);
  const renamed = Object.setPrototypeOf(Int8Array.of(2, 4, -6, 8), Float32Array.prototype);
  session.push(renamed); // int8 values are taken as stored, so they are half as large
  assert.is(session.framesPushed, hop);
  session.reset();
  const foreign = runInNewContext('Float32Array.of(1, 2, -3, 4)') as Float32Array;
  assert.not(foreign instanceof Float32Array);
  const shared = new Float32Array(new SharedArrayBuffer(4 * hop));
  shared.set(frame);
  for (const same of [foreign, shared]) {
    session.reset();
    const got: number[] = [];
    for (let n = 0; n < 4; n++) if (session.push(same)) got.push(session.outputRaw()[0] as number);
    assert.equal(got, expected);
  }
  // each element of an array is read once; a second read would give another value
  let reads = 0;
  const turncoat = Object.defineProperty([], 0, { enumerable: true, get: () => (reads++ === 0 ? frame : 'abcd') });
  session.reset();
  session.push(turncoat);
  assert.is(session.framesPushed, hop);
});

test('pushPart, gap, restore and output refuse arguments that are out of range or of a wrong type', async () => {
  const session = await open();
  for (const [from, count] of [[0, 5], [0, 0], [-1, 2], [3, 2], [0.5, 1], [Number.NaN, 1], ['0', 1]] as [number, number][]) // biome-ignore format: one line
    assert.is(await codeOf(() => session.pushPart(frame, from, count)), 'RN707', `${from}, ${count}`);
  for (const frames of [null, 1n, '4', Symbol('4'), {}])
    assert.is(await codeOf(() => session.gap(frames as number, 'hold')), 'RN715', String(frames));
  for (const value of [
    null,
    undefined,
    'RNSS',
    7,
    new ArrayBuffer(80),
    [],
    new Float64Array(80),
    new Proxy(session.snapshot(), {}),
  ])
    assert.is(await codeOf(() => session.restore(value as Uint8Array)), 'RN712');
  for (const which of ['length', '0', -1, 1, Number.NaN, Symbol('0')])
    assert.is(await codeOf(() => session.output(which as number)), 'RN711', String(which));
  assert.is(session.framesPushed, 0);
});

test('a stream does not change its type inside a frame', async () => {
  const session = await open({ channels: 2 });
  const run = async () => {
    for await (const _ of session.stream([Float32Array.of(1), Int8Array.of(2, 3, 4)])) assert.unreachable();
  };
  assert.is(await codeOf(run), 'RN708');
});

test('a module that returns a value outside the ABI closes the session until it is reset', async () => {
  const answers = { seven: '7', 'minus one': '-1', 'the largest': '0x7fffffff', trap: 'unreachable()' };
  for (const [name, answer] of Object.entries(answers)) {
    // wrong at the third push only
    const session = await open({
      edit: [['return due', `store<i32>(state, load<i32>(state, 12) + 1, 12); if (load<i32>(state, 12) == 3) return ${answer}; return due`]], // biome-ignore format: one line
    });
    session.push(frame);
    const saved = session.snapshot();
    assert.is(session.push(frame), true);
    assert.is(await codeOf(() => session.push(frame)), 'RN710', name);
    assert.is(session.outputsDue, 1, name);
    for (const run of [() => session.push(frame), () => session.pushInt8(new Int8Array(hop)), () => session.gap(9, 'hold'), () => session.snapshot()]) // biome-ignore format: one line
      assert.is(await codeOf(run), 'RN752', name);
    session.restore(saved);
    assert.is(session.push(frame), true, name);
    session.reset();
    assert.is(session.push(frame), false, name);
    assert.is(session.push(frame), true, name);
  }
  const noNumber = await open({ edit: [['export function rn_push(frames: i32): i32 {', 'export function rn_push(frames: i32): f32 { return 0.5; }\nexport function other(frames: i32): i32 {']] }); // biome-ignore format: one line
  assert.is(await codeOf(() => noNumber.push(frame)), 'RN710');
});

test('delay, warm-up and all other constants must equal those of rn_info', async () => {
  const says = (what: number, value: number): TinyOptions => ({
    edit: [[`case ${what}: return ${({ 3: 2, 4: 0 } as Record<number, number>)[what]};`, `case ${what}: return ${value};`]],
    warmUpHops: 2,
  });
  assert.is(await codeOf(() => open({ warmUpHops: 2 })), 'none');
  assert.is(await codeOf(() => open(says(3, 1))), 'RN705', 'the module says another warm-up');
  assert.is(await codeOf(() => open(says(4, 3))), 'RN705', 'the module says a delay');
  for (const field of ['warmUpHops', 'delayFrames', 'hop', 'window'] as const) {
    const changed = (m: Manifest): Manifest => ({ ...m, [field]: m[field] + 1 });
    assert.is(await codeOf(() => open({ warmUpHops: 2, manifest: changed })), 'RN705', `the manifest says another ${field}`);
    const wasm = await bytes({ warmUpHops: 2 });
    const manifest = changed(tinyManifest({ warmUpHops: 2 }));
    assert.is(await codeOf(() => openSession(wasm, { manifest })), 'RN705', `a given manifest says another ${field}`);
  }
});

const leb = (n: number): number[] => (n < 0x80 ? [n] : [(n & 0x7f) | 0x80, ...leb(Math.floor(n / 128))]);

/** Returns the bundle with another memory section. */
async function withMemory(body: number[]): Promise<Uint8Array<ArrayBuffer>> {
  const wasm = await tinyBundle({ bare: true });
  const parts: number[] = [...wasm.subarray(0, 8)];
  for (let at = 8; at < wasm.length; ) {
    const length = wasm[at + 1] as number; // sections longer than 127 bytes come after the memory section
    if (wasm[at] === 5) {
      parts.push(5, body.length, ...body, ...wasm.subarray(at + 2 + length));
      break;
    }
    parts.push(...wasm.subarray(at, at + 2 + length));
    at += 2 + length;
  }
  const manifest = new TextEncoder().encode(JSON.stringify(tinyManifest()));
  return withSection(Uint8Array.from(parts), 'runlet', manifest) as Uint8Array<ArrayBuffer>;
}

test('a memory of 4 GiB, or one larger than in the manifest, is refused before it is allocated', async () => {
  assert.is(await codeOf(async () => openSession(await withMemory([1, 1, 1, 1]))), 'none');
  for (const pages of [65536, 16385, 4]) {
    const wasm = await withMemory([1, 1, ...leb(pages), ...leb(pages)]);
    assert.is(await codeOf(() => openSession(wasm)), 'RN704', `${pages} pages`);
  }
  const compiled = new WebAssembly.Module(await withMemory([1, 1, 4, 4]));
  assert.is(await codeOf(() => openSession(compiled)), 'RN704', 'a compiled module');
});

test('a value that is no module, no manifest or no weights is a RunletError', async () => {
  const wasm = await bytes();
  for (const value of [null, undefined, 'wasm', 5e9, {}, [null], ['wasm'], [], new Proxy(wasm, {})])
    assert.match(await codeOf(() => openSession(value as unknown as Uint8Array<ArrayBuffer>)), /^RN(600|700)$/, inspect(value));
  for (const manifest of [{}, [], 'manifest', { ...tinyManifest(), inputs: [] }])
    assert.match(await codeOf(() => openSession(wasm, { manifest: manifest as unknown as Manifest })), /^RN60[456]$/);
  for (const weights of ['weights', 5e9, {}])
    assert.is(await codeOf(() => openSession(wasm, { weights: weights as unknown as ArrayBuffer })), 'RN717');
});

test.run();
