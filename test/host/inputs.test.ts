/** A session with several inputs: one array each on one clock, in any pieces; refusals, gaps, snapshots. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { checkManifest } from '../../assembly/bundle/check.ts';
import { isRunletError, openSession, requireSelfTest } from '../../host/session/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { tinyInputs } from '../stages/tiny-networks.ts';

const hop = 2;
const quant = quantPlan(planStream(tinyInputs(), { hop }));
const bundle = await build(quant);
const open = () => openSession(bundle.wasm as BufferSource);

const code = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    if (isRunletError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'none';
};

let state = 1;
const noise = (length: number) =>
  Int8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return state >> 24;
  });
const ticks = 40;
const signals = [noise(ticks * 3 * 2), noise(ticks * 2)];
const expected = [...runSignal(quant, signals)].map((r) => [...(r.outputs[0] as Int8Array)]);
const perTick = [6, 2] as const;
const cut = (from: number, to: number) =>
  signals.map((s, i) => s.slice(from * (perTick[i] as number), to * (perTick[i] as number)));

test('the bundle has the rates of its inputs in the manifest and in rn_info', async () => {
  assert.equal(
    bundle.manifest.inputs.map((p) => [p.name, p.rate, p.elements, p.shape[0]]),
    [
      ['a', 3, 2, 24],
      ['b', 2, 1, 16],
    ],
  );
  assert.equal([bundle.manifest.window, bundle.manifest.hop, bundle.manifest.mode], [8, 2, 'stream']);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bundle.wasm as BufferSource));
  const info = exports.rn_info as (what: number) => number;
  assert.equal([9, 20, 28].map(info), [2, 3, 2]);
  const input = exports.rn_input as (which: number) => number;
  assert.ok(input(1) - input(0) >= hop * 6 && input(2) === 0);
  await requireSelfTest(await open());
});

test('push, pushInt8, pushAll and stream equal the reference, in any pieces', async () => {
  const session = await open();
  assert.is(expected.length, (ticks - 8) / hop + 1);
  for (const part of [1, 2]) {
    session.reset();
    const got: number[][] = [];
    for (let at = 0; at < ticks; at += part) if (session.pushInt8(cut(at, at + part))) got.push([...session.outputRaw()]);
    assert.equal(got, expected);
    assert.is(session.framesPushed, ticks);
  }
  session.reset();
  const scales = bundle.manifest.inputs;
  const real = signals.map((s, i) => Float32Array.from(s, (q) => (scales[i]?.scale ?? 1) * (q - (scales[i]?.zeroPoint ?? 0))));
  const all: number[][] = [];
  session.pushAll(real, () => all.push([...session.outputRaw()]));
  assert.equal(all, expected);
  session.reset();
  const streamed: number[][] = [];
  for await (const { startFrame, endFrame } of session.stream([cut(0, 5), cut(5, 6), cut(6, 40)])) {
    assert.equal([startFrame, endFrame], [streamed.length * hop, streamed.length * hop + 8]);
    streamed.push([...session.outputRaw()]);
  }
  assert.equal(streamed, expected);
});

test('frames that do not fit the clock are refused, and the error says what is expected', async () => {
  const session = await open();
  const [a, b] = cut(0, 1) as [Int8Array, Int8Array];
  assert.match(await code(() => session.push(a)), /RN706.*2 inputs.*an array for each.*3 frames of a, 2 frames of b/);
  assert.match(await code(() => session.push([a])), /RN706.*an array for each/);
  assert.match(await code(() => session.push([a, b, b])), /RN706/);
  assert.match(await code(() => session.push([a.subarray(0, 5), b])), /RN706.*input a.*5 elements, and a frame has 2/);
  assert.match(await code(() => session.push([a.subarray(0, 4), b])), /RN706.*input a.*2 frames, and a tick has 3/);
  assert.match(
    await code(() => session.push([a, cut(0, 2)[1] as Int8Array])),
    /RN706.*input b.*4 frames, where 2 are needed.*a has 3, 1 ticks/,
  );
  assert.match(await code(() => session.push(cut(0, 3))), /RN707/);
  assert.match(await code(() => session.push([new Float32Array(6), new Float32Array([0, Number.NaN])])), /RN709.*input b/);
  const got: number[][] = [];
  session.pushAll(signals, () => got.push([...session.outputRaw()]));
  assert.equal(got, expected, 'nothing was consumed');
});

test('a gap holds the last frame of each input, and a snapshot includes it', async () => {
  const [one, two] = [await open(), await open()];
  one.pushAll(cut(0, 13), () => {});
  two.restore(one.snapshot());
  const held = cut(12, 13).map((s, i) => {
    const frame = s.slice(s.length - (i === 0 ? 2 : 1));
    return Int8Array.from({ length: 7 * (i === 0 ? 6 : 2) }, (_, n) => frame[n % frame.length] as number);
  });
  const [by, filled]: number[][][] = [[], []];
  two.gap(7, 'hold', () => by?.push([...two.outputRaw()]));
  one.pushAll(held, () => filled?.push([...one.outputRaw()]));
  assert.ok((by?.length ?? 0) > 2);
  assert.equal(by, filled);
  assert.is(two.framesPushed, 20);
});

test('a manifest whose rates contradict its window is refused', async () => {
  const [a, b] = bundle.manifest.inputs;
  const check = (inputs: unknown[]) => code(() => checkManifest({ ...bundle.manifest, inputs }));
  assert.is(await check([a, b]), 'none');
  assert.match(await check([{ ...a, rate: 2 }, b]), /RN606/);
  assert.match(await check([a, { ...b, rate: undefined }]), /RN606/);
  for (const rate of [0, 1.5, 4097, '3']) assert.match(await check([{ ...a, rate }, b]), /RN605/);
  const other = { ...bundle.manifest, inputs: [{ ...a, rate: 2, shape: [16, 1, 2] }, b] };
  assert.match(await code(() => openSession(bundle.wasm as BufferSource, { manifest: other as never })), /RN705/);
});

test.run();
