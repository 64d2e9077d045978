/**
 * The session: outputs do not depend on the chunks, quantisation is TensorFlow Lite's, nothing is allocated
 * per hop, and every error has its code.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { isRunletError, openSession, quantiseValue, requireSelfTest, selfTest } from '../../host/session/index.ts';
import type { Frames } from '../../host/session/kinds.ts';
import { placesOf, Quantiser } from '../../host/session/quantise.ts';
import { random } from '../property/random-network.ts';
import { hop, reference, tinyBundle, tinyManifest, window } from './tiny-bundle.ts';

const bytesOf = (wasm: Uint8Array) => wasm as Uint8Array<ArrayBuffer>;
const open = async (...options: Parameters<typeof tinyBundle>) => openSession(bytesOf(await tinyBundle(...options)));

export const code = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    if (isRunletError(error)) return error.code;
    throw error;
  }
  return 'none';
};

const ramp = (length: number, seed = 1): Int8Array => {
  let x = seed;
  return Int8Array.from({ length }, () => {
    x = (Math.imul(x, 1103515245) + 12345) | 0;
    return x >> 24;
  });
};

const outputsOf = async (chunks: Iterable<Frames>, options: Parameters<typeof tinyBundle>[0] = {}) => {
  const session = await open(options);
  const out: number[] = [];
  for await (const { output } of session.stream(chunks)) out.push(...output);
  return out;
};

test('outputs equal the reference for any chunks', async () => {
  for (const channels of [1, 3]) {
    const frames = ramp(200 * channels);
    const expected = reference(frames, channels).flatMap((o) => [...o].map((q) => q * 0.5));
    for (const size of [1, 2, 3, 4, 5, 7, 11, 64, 600]) {
      const chunks: Int8Array[] = [];
      for (let at = 0; at < frames.length; at += size) chunks.push(frames.slice(at, at + size));
      assert.equal(await outputsOf(chunks, { channels }), expected, `${channels} channels in pieces of ${size} elements`);
    }
  }
});

test('push, pushAll, pushInt8 and stream agree, and their times are right', async () => {
  const session = await open();
  const frames = ramp(50);
  const expected = reference(frames);
  const real = Float32Array.from(frames, (q) => q * 0.5);
  for (const part of [1, 2, 3, 4]) {
    session.reset();
    const got: number[] = [];
    for (let at = 0; at + part <= 50; at += part) {
      if (session.push(real.subarray(at, at + part))) got.push(session.outputRaw()[0] as number);
      assert.is(session.framesPushed, at + part);
    }
    assert.equal(
      got,
      expected.slice(0, got.length).flatMap((o) => [...o]),
    );
    assert.is(session.outputIndex, got.length - 1);
  }
  session.reset();
  const all: number[] = [];
  assert.is(
    session.pushAll(real, (index) => all.push(index, session.output()[0] as number)),
    expected.length,
  );
  assert.equal(
    all,
    expected.flatMap((o, i) => [i, (o[0] as number) * 0.5]),
  );
  session.reset();
  for (let at = 0; at < 48; at += hop) session.pushInt8(frames.subarray(at, at + hop));
  assert.is(session.outputsDue, 11);
  session.reset();
  for await (const o of session.stream([real])) {
    assert.is(o.startFrame, o.index * hop);
    assert.is(o.endFrame, o.startFrame + window);
    assert.is(o.outputs[0], o.output);
  }
});

test('outputs during warm-up are not reported, and the first reported one does not have index 0', async () => {
  const session = await open({ warmUpHops: 2 });
  const frames = ramp(40);
  const got: number[] = [];
  for await (const o of session.stream([frames])) got.push(o.index, ...session.outputRaw());
  assert.equal(
    got,
    reference(frames, 1, 2).flatMap((o, i) => [i + 2, ...o]),
  );
});

test('a hop allocates nothing: the arrays are the same every time, and the heap is steady', async () => {
  const session = await open();
  const [output, raw] = [session.output(), session.outputRaw()];
  const frame = new Float32Array(hop).fill(1);
  for (let i = 0; i < 50_000; i++) session.push(frame) && session.output();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 200_000; i++) session.push(frame) && session.output();
  const perHop = (process.memoryUsage().heapUsed - before) / 200_000;
  assert.is(session.output(), output);
  assert.is(session.outputRaw(), raw);
  assert.ok(perHop < 8, `${perHop} bytes a hop`);
});

test('quantisation divides in float32, rounds halves away from zero, and clamps', () => {
  const s = Math.fround(0.5);
  assert.equal(
    [0.25, -0.25, 0.74, 1e9, -1e9, 0.2499].map((x) => quantiseValue(x, s, 0)),
    [1, -1, 1, 127, -128, 0],
  );
  assert.equal(
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((x) => quantiseValue(x, s, 3)),
    [127, -128],
  );
  // 0.35 / 0.1 is 3.5 in float32, and just below in float64. The rule is float32.
  const tenth = Math.fround(0.1);
  assert.is(quantiseValue(0.35, tenth, 0), Math.round(Math.fround(Math.fround(0.35) / tenth)));
  assert.is(quantiseValue(-1, s, 10), 8);
});

test('many floats at once are quantised like single ones: any bits, halves, int8 and int16, any order and length, up to a NaN', () => {
  const rnd = random(2026);
  const bits = new Uint32Array(1);
  const anyFloat = (): number => {
    bits[0] = rnd() * 2 ** 32;
    return new Float32Array(bits.buffer)[0] as number;
  };
  const cases = [2 ** -15, 0.003, 0.1, 0.5, 7.3, 1e30, 1e-30].flatMap((scale) =>
    ([[0], [-128], [-3], [127], [0, 'int16']] as const).map(([zeroPoint, type]) => ({
      scale: Math.fround(scale),
      zeroPoint,
      type,
    })),
  );
  for (const { scale, zeroPoint, type } of cases) {
    const maxValue = type ? 32767 : 127;
    // Halves and their neighbours, values in and out of range, any bits, more than one kernel call.
    const units = [
      0.5,
      1.5,
      maxValue - zeroPoint,
      maxValue - zeroPoint + 0.5,
      65_536,
      2 ** 23,
      2 ** 24 + 2,
      Number.POSITIVE_INFINITY,
      0,
    ];
    const near = units.flatMap((v) => [v, -v, v * (1 + 2 ** -23), v * (1 - 2 ** -24)].map((u) => u * scale));
    const made = Float32Array.from({ length: 36_000 - near.length }, (_, i) => {
      const unit = (rnd() - 0.5) * 2.5 * maxValue;
      return i % 3 === 0 ? anyFloat() : scale * (i % 3 === 1 ? unit : Math.round(2 * unit) / 2);
    });
    const values = Float32Array.from([...near, ...made], (v) => (Number.isNaN(v) ? 0.25 : v));
    const wanted = Array.from(values, (v) => quantiseValue(v, scale, zeroPoint, maxValue));
    for (const order of ['tfc', 'tcf']) {
      const port = {
        ...(tinyManifest().inputs[0] as PortManifest),
        ...{ scale, zeroPoint, elements: 8, shape: [4, 2, 4] as [number, number, number], order: [...order] as 't'[] },
        ...(type && { type }),
      };
      const places = placesOf(port) ?? Int32Array.from({ length: 8 }, (_, i) => i);
      const to = type ? new Int16Array(values.length) : new Int8Array(values.length);
      const quantiser = new Quantiser(port);
      const check = (from: number, frames: number) => {
        quantiser.write(values, from, frames, to);
        for (let i = 0; i < 8 * frames; i++) {
          const [v, q] = [values[8 * from + i], wanted[8 * from + i]];
          const got = to[i - (i % 8) + (places[i % 8] as number)];
          if (got !== q) assert.unreachable(`${v} / ${scale} + ${zeroPoint}: ${got}, not ${q}`);
        }
      };
      for (let frames = 1; frames < 12; frames++) check(Math.floor(rnd() * 4000), frames);
      check(0, values.length / 8);
      for (const [at, frames] of [
        [13, 2],
        [8 * 2100 + 7, 4000],
      ] as const) {
        const broken = values.slice();
        broken[at + 8] = Number.NaN;
        const where = new RegExp(`frame ${1 + Math.floor(at / 8)} of those passed, element ${at % 8}`);
        assert.throws(() => quantiser.write(broken, 1, frames, to), where);
      }
    }
  }
});

test('a uint8 value is the int8 value plus 128', async () => {
  const session = await open({ hostType: 'uint8', zeroPoint: 4 });
  const frames = ramp(8);
  session.push(Uint8Array.from(frames.subarray(0, 4), (q) => q + 128));
  session.push(Uint8Array.from(frames.subarray(4), (q) => q + 128));
  assert.equal([...session.outputRaw()], [...(reference(frames)[0] as Int8Array)]);
  assert.is(session.output()[0], 0.5 * ((session.outputRaw()[0] as number) - 4));
});

test("a frame in the model file's order [c][f] is stored as [f][c]", async () => {
  const session = await open({ features: 2, channels: 3, order: ['t', 'c', 'f'] });
  const frame = [1, 2, 3, 4, 5, 6]; // [c][f]
  for (let i = 0; i < window / hop; i++) session.push(Int8Array.from({ length: 6 * hop }, (_, n) => frame[n % 6] as number));
  assert.equal([...session.outputRaw()], [1, 3, 5, 2, 4, 6]); // [f][c]
});

test('after a snapshot and restore the outputs have the same bytes', async () => {
  const frames = ramp(101);
  const expected = reference(frames);
  for (const cut of [0, 3, 8, 50]) {
    const [one, two] = [await open(), await open()];
    const got: number[] = [];
    if (cut) one.pushAll(frames.slice(0, cut), () => got.push(...one.outputRaw()));
    two.pushAll(ramp(13, 5), () => {});
    two.restore(one.snapshot());
    assert.is(two.framesPushed, cut);
    two.pushAll(frames.slice(cut), (n) => {
      assert.is(n, got.length);
      got.push(...two.outputRaw());
    });
    assert.equal(
      got,
      expected.flatMap((o) => [...o]),
    );
  }
  const session = await open();
  const good = session.snapshot();
  for (let i = 0; i < good.length; i++) {
    const bad = good.slice();
    bad[i] = (bad[i] as number) ^ 0x5a;
    assert.is(await code(() => session.restore(bad)), 'RN712', `byte ${i}`);
  }
  assert.is(await code(() => session.restore(good.slice(0, 70))), 'RN712');
  assert.is(await code(async () => (await open({ zeroPoint: 1 })).restore(good)), 'RN712');
});

test('the self-test accepts the right golden outputs and refuses wrong ones', async () => {
  const good = await selfTest(await open({ channels: 2 }));
  assert.ok(good.ok);
  assert.is(good.outputs, 15);
  const bad = await selfTest(await open({ manifest: (m) => ({ ...m, golden: { ...m.golden, seed: 8 } }) }));
  assert.not(bad.ok);
  assert.is(
    await code(async () => requireSelfTest(await open({ manifest: (m) => ({ ...m, golden: { ...m.golden, outputs: 3 } }) }))),
    'RN713',
  );
});

test('a compiled module can be opened, and a manifest can be passed', async () => {
  const bare = bytesOf(await tinyBundle({ bare: true }));
  assert.is(await code(() => openSession(bare)), 'RN602');
  assert.is((await openSession(bare, { manifest: tinyManifest() })).hop, hop);
  const module = await WebAssembly.compile(bytesOf(await tinyBundle()));
  assert.is((await openSession(module)).window, window);
  assert.is(await code(async () => openSession(await WebAssembly.compile(bare))), 'RN602');
});

test('each error of opening has its code', async () => {
  const opened = (options: Parameters<typeof tinyBundle>[0]) => code(() => open(options));
  const start = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 8, 1, 0]);
  assert.is(await code(() => openSession(start)), 'RN701');
  assert.is(await code(() => openSession(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 3, 1, 9]))), 'RN700');
  assert.is(
    await opened({
      edit: [
        ['export function rn_abi', 'declare function clock(): i32;\nexport function rn_abi'],
        ['return 1; }', 'return 1 + 0 * clock(); }'],
        ['case 2: return 1', 'case 2: return clock()'],
      ],
    }),
    'RN701',
  );
  assert.is(await opened({ edit: [['rn_abi(): i32 { return 1', 'rn_abi(): i32 { return 2']] }), 'RN702');
  assert.is(await opened({ edit: [['export function rn_state', 'function rn_state']] }), 'RN703');
  assert.is(await opened({ memory: ['--initialMemory', '1'] }), 'RN704');
  assert.is(await opened({ edit: [['return which == 0 ? <i32>input', 'return which == 0 ? 65535']] }), 'RN704');
  assert.is(await opened({ edit: [['return <i32>state', 'return -16']] }), 'RN704');
  assert.is(await opened({ manifest: (m) => ({ ...m, window: 9 }) }), 'RN705');
  assert.is(await opened({ manifest: (m) => ({ ...m, outputs: [{ ...m.outputs[0], scale: 0.25 }] }) }), 'RN705');
  assert.is(await opened({ edit: [['case 16: return 1', 'case 16: return 2']] }), 'RN705');
  assert.is(await opened({ edit: [['  store<i32>(state, 1);', '  unreachable();']] }), 'RN710');
});

test('each error of pushing has its code', async () => {
  const session = await open({ channels: 2 });
  assert.is(await code(() => session.push(new Float32Array(3))), 'RN706');
  assert.is(await code(() => session.push(new Float32Array(0))), 'RN706');
  assert.is(await code(() => session.push([new Float32Array(2), new Float32Array(2)])), 'RN706');
  assert.is(await code(() => session.push(new Float32Array(2 * (hop + 1)))), 'RN707');
  assert.is(await code(() => session.pushInt8(new Int8Array(2 * (hop + 1)))), 'RN707');
  assert.is(await code(() => session.push(new Uint8Array(2))), 'RN708');
  assert.is(await code(() => session.push(new Float32Array([1, Number.NaN]))), 'RN709');
  assert.is(await code(() => session.output(1)), 'RN711');
  assert.is(await code(async () => { for await (const _ of session.stream([new Int8Array(5)])); }), 'RN706'); // biome-ignore format: one line
  assert.is(await code(async () => (await open({ edit: [['return due', 'return -7']] })).push(new Int8Array(1))), 'RN710');
  assert.is(
    await code(async () => (await open({ edit: [['return due', 'unreachable(); return due']] })).push(new Int8Array(1))),
    'RN710',
  );
});

test('a NaN is refused and consumes nothing', async () => {
  const session = await open();
  const frames = Float32Array.from(ramp(16), (q) => q / 2);
  session.push(frames.subarray(0, 3));
  assert.is(await code(() => session.push(new Float32Array([1, Number.NaN]))), 'RN709');
  const got: number[] = [];
  session.pushAll(frames.slice(3), () => got.push(session.outputRaw()[0] as number));
  assert.equal(
    got,
    reference(ramp(16)).flatMap((o) => [...o]),
  );
});

test('without WebCrypto the self-test fails with a message', async () => {
  const session = await open();
  const original = Object.getOwnPropertyDescriptor(globalThis, 'crypto') as PropertyDescriptor;
  Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
  try {
    assert.is(await code(() => selfTest(session)), 'RN714');
  } finally {
    Object.defineProperty(globalThis, 'crypto', original);
  }
});

test.run();
