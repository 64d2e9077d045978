/**
 * The front end as a module against its reference: presets, random parameters, recordings, pieces of any
 * length, sessions.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import {
  type Manifest,
  openSession,
  type PortManifest,
  parseManifest,
  readManifest,
  type Session,
  selfTest,
} from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetNames, presetParameters } from '../../models/frontend/presets.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { shared } from '../shared.ts';
import { differing, generator, madeSignals, randomParameters, wavSamples } from './signals.ts';

const open = async (frontEnd: FrontEnd): Promise<Session> => openSession((await buildFrontEnd(frontEnd)).wasm as BufferSource);

/** Returns the rows of a signal that is pushed in pieces of random length. */
function rowsOf(session: Session, samples: Int16Array, next: () => number): number[] {
  const rows: number[] = [];
  for (let at = 0; at < samples.length; ) {
    const count = Math.min(samples.length - at, 1 + (next() % session.hop));
    if (session.push(samples.subarray(at, at + count))) rows.push(...session.outputRaw());
    at += count;
  }
  return rows;
}

const code = (wanted: string) => (error: unknown) => isRunletError(error) && error.code === wanted;

test('every preset has at most 12 KB of code and 8 KB of memory for any step, and passes its self-test', async () => {
  for (const name of presetNames)
    for (const step of name === 'microwakeword' ? [160, 320, 400] : [320]) {
      const bundle = await buildFrontEnd(makeFrontEnd({ ...presetParameters(name), stepSamples: step }));
      const { codeBytes } = bundle.file;
      const { memoryBytes, tableBytes, stateBytes, scratchBytes, ioBytes } = bundle.manifest.bytes;
      assert.ok(codeBytes <= 12 * 1024, `${name}: ${codeBytes} bytes of code`);
      assert.ok(memoryBytes <= 8 * 1024, `${name}: ${memoryBytes} bytes of memory`);
      const session = await openSession(bundle.wasm as BufferSource);
      assert.ok((await selfTest(session)).ok, name);
      assert.equal(readManifest(bundle.wasm), bundle.manifest);
      if (name === 'microwakeword' && step === 160)
        console.log(
          `  ${name}: code ${codeBytes}, memory ${memoryBytes} bytes (tables ${tableBytes}, state ${stateBytes}, scratch ${scratchBytes}, io ${ioBytes})`,
        );
    }
});

test('every preset equals the reference on generated signals, in pieces of any length', async () => {
  const next = generator(11);
  for (const name of presetNames) {
    const frontEnd = makeFrontEnd(presetParameters(name));
    const session = await open(frontEnd);
    for (const [signal, samples] of Object.entries(madeSignals())) {
      session.reset();
      assert.is(differing(rowsOf(session, samples, next), featureRows(frontEnd, samples)), 0, `${name}, ${signal}`);
    }
  }
});

const count = Number(process.env.RUNLET_FRONT_ENDS ?? 30);
test(`${count} random front ends equal the reference`, async () => {
  const first = Number(process.env.RUNLET_SEED ?? 1) * 1000;
  const signals = Object.values(madeSignals());
  let [made, seed, values] = [0, first, 0];
  for (; made < count && seed < first + 10 * count; seed++) {
    let frontEnd: FrontEnd;
    try {
      frontEnd = makeFrontEnd(randomParameters(seed));
    } catch (error) {
      assert.ok(code('RN506')(error), `seed ${seed}: ${error}`);
      continue;
    }
    made++;
    const session = await open(frontEnd);
    const next = generator(seed + 1);
    const samples = Int16Array.from(
      [2, 1, 2].flatMap((n) => [...(signals[next() % signals.length] as Int16Array).subarray(0, n * 2000)]),
    );
    const expected = featureRows(frontEnd, samples);
    assert.is(differing(rowsOf(session, samples, next), expected), 0, `seed ${seed}: ${JSON.stringify(frontEnd.parameters)}`);
    values += expected.length;
  }
  assert.is(made, count);
  console.log(`  ${made} of ${seed - first} could be made; ${values} features, 0 differ`);
});

test('real values are scaled by 32768, rounded and saturated; other types are refused', async () => {
  const { noise } = madeSignals() as { noise: Int16Array };
  const session = await open(makeFrontEnd(presetParameters('micro')));
  const run = (frames: Float32Array | Int16Array) => {
    session.reset();
    const rows: number[] = [];
    session.pushAll(frames, () => rows.push(...session.outputRaw()));
    return rows;
  };
  const expected = run(noise);
  assert.equal(run(Float32Array.from(noise, (x) => (x + (x > 0 ? 0.4 : -0.4)) / 32768)), expected);
  const loud = Float32Array.from(noise, (x) => x / 5000);
  assert.equal(run(loud), run(Int16Array.from(loud, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32768))))));
  assert.throws(() => session.push(new Int8Array(8)), code('RN708'));
  assert.throws(() => session.push(new Uint8Array(8)), code('RN708'));
  assert.throws(() => session.push(Float32Array.of(0, Number.NaN)), code('RN709'));
  assert.throws(() => session.push(new Int16Array(161)), code('RN707'));
});

test('a snapshot continues in another session, and keeps the last frames', async () => {
  const { bursts } = madeSignals() as { bursts: Int16Array };
  const { wasm } = await buildFrontEnd(makeFrontEnd(presetParameters('micro')));
  const [one, two] = [await openSession(wasm as BufferSource), await openSession(wasm as BufferSource)];
  one.pushAll(bursts.subarray(0, 7777), () => {});
  two.restore(one.snapshot());
  const rows = [one, two].map((session) => {
    const out: number[] = [];
    session.gap(500, 'hold', () => out.push(...session.outputRaw()));
    session.pushAll(bursts.subarray(7777), () => out.push(...session.outputRaw()));
    return out;
  });
  assert.ok((rows[0]?.length ?? 0) > 40 * 50);
  assert.equal(rows[0], rows[1]);
  assert.equal(one.snapshot(), two.snapshot());
});

test('gaps: hold repeats the last sample and zero gives silence, also if whole periods are skipped', async () => {
  const { square } = madeSignals() as { square: Int16Array };
  const { wasm } = await buildFrontEnd(makeFrontEnd(presetParameters('micro')));
  for (const [policy, value] of [['hold', square[4000]], ['zero', 0]] as const) // biome-ignore format: one line
    for (const frames of [1, 159, 160, 5000, 16000 * 20]) {
      const [gapped, pushed] = [await openSession(wasm as BufferSource), await openSession(wasm as BufferSource)];
      for (const session of [gapped, pushed]) session.pushAll(square.subarray(0, 4001), () => {});
      gapped.gap(frames, policy);
      pushed.pushAll(new Int16Array(frames).fill(value as number), () => {});
      const after = [gapped, pushed].map((session) => {
        const rows: number[] = [];
        session.pushAll(square.subarray(4001), () => rows.push(...session.outputRaw()));
        return rows;
      });
      assert.equal(after[0], after[1], `${policy}, ${frames} samples`);
      assert.is(gapped.outputsDue, pushed.outputsDue);
    }
});

test('the stream of a session accepts pieces of sound and gives rows with their times', async () => {
  const { ramp } = madeSignals() as { ramp: Int16Array };
  const frontEnd = makeFrontEnd(presetParameters('audio-preprocessor'));
  const session = await open(frontEnd);
  const expected = featureRows(frontEnd, ramp);
  const { scale, zeroPoint } = frontEnd.output;
  let n = 0;
  for await (const { index, startFrame, endFrame, output } of session.stream([ramp.subarray(0, 1001), ramp.subarray(1001)])) {
    assert.equal([index, startFrame, endFrame], [n, n * 320, n * 320 + 480]);
    assert.equal(
      output,
      Float32Array.from(expected.subarray(n * 40, n * 40 + 40), (q) => scale * (q - zeroPoint)),
    );
    n++;
  }
  assert.is(n * 40, expected.length);
});

test('a manifest whose front end contradicts its input is refused', async () => {
  const { manifest } = await buildFrontEnd(makeFrontEnd(presetParameters('micro')));
  const [sound] = manifest.inputs as [PortManifest];
  const said = (change: Partial<Manifest>): string => {
    try {
      parseManifest(new TextEncoder().encode(JSON.stringify({ ...manifest, ...change })));
      return 'read';
    } catch (error) {
      return isRunletError(error) ? `${error.code} ${error.parts.where}` : String(error);
    }
  };
  const config = manifest.frontEndConfig as NonNullable<Manifest['frontEndConfig']>;
  assert.is(said({}), 'read');
  // int16 that is not sound
  assert.is(said({ frontEndConfig: undefined }), 'read');
  assert.match(said({ inputs: [{ ...sound, hostType: 'int8' }] }), /RN606 .*frontEndConfig/);
  assert.match(said({ inputs: [{ ...sound, zeroPoint: 1 }] }), new RegExp(`RN606 .*${sound.name}`));
  assert.match(said({ inputs: [{ ...sound, scale: 1 }] }), /RN606 .*frontEndConfig/);
  const [rows] = manifest.outputs as [PortManifest];
  assert.match(said({ outputs: [{ ...rows, hostType: 'int16', zeroPoint: 1 }] }), new RegExp(`RN606 .*${rows.name}`));
  assert.match(said({ frontEndConfig: { ...config, channels: 0 } }), /RN605 .*channels/);
  assert.match(said({ frontEndConfig: { ...config, scale: Number.NaN } }), /RN605 .*scale/);
});

const audio = shared('audio');
if (audio)
  test('recordings give the rows of the reference', async () => {
    let rows = 0;
    for (const step of [160, 320]) {
      const frontEnd = makeFrontEnd({ ...presetParameters('micro'), stepSamples: step });
      const session = await open(frontEnd);
      for (const file of readdirSync(audio).filter((f) => f.endsWith('.wav'))) {
        const samples = wavSamples(join(audio, file));
        const expected = featureRows(frontEnd, samples);
        session.reset();
        assert.is(differing(rowsOf(session, samples, generator(step)), expected), 0, file);
        rows += expected.length / 40;
      }
    }
    console.log(`  ${rows} rows, 0 bytes differ`);
  });

test.run();
