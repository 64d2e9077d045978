/**
 * TensorFlow Lite files of Signal operators: read as a front end, refused with a node's name, or damaged.
 *
 * The features are compared with an interpreter that runs the file operator by operator
 * (signal-interpreter.ts), and for audio_preprocessor_int8 with TensorFlow Lite Micro's outputs. The test
 * writes RUNLET_SIGNAL_FILES (60) files and tries RUNLET_FUZZ_COUNT (2,000) damaged copies.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import { openSession, selfTest } from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { readModelFile } from '../../models/read/tflite/model.ts';
import { readFrontEnd } from '../../models/read/tflite/signal/index.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { differing, generator, int8Of, madeSignals, npySamples, randomParameters, wavSamples } from '../frontend/signals.ts';
import { generator as below, mutateTflite } from '../fuzz/tflite.ts';
import { shared } from '../shared.ts';
import { SignalInterpreter } from './signal-interpreter.ts';
import { signalFile, signalGraph } from './signal-model.ts';
import { type TfModelOf, writeTflite } from './tflite-model.ts';

const signals = Object.values(madeSignals());

/** Returns a random front end that a file can hold: with a logarithm and options that only files have. */
function randomFrontEnd(seed: number): FrontEnd | undefined {
  const next = generator(seed + 77);
  try {
    const wanted = randomParameters(seed);
    const made = makeFrontEnd({
      ...wanted,
      windowSamples: Math.min(wanted.windowSamples, 500),
      stepSamples: 1,
      log: wanted.log || { scaleShift: 6 },
    });
    const { log, noise } = made;
    if (!log || log.correctionBits < 0) return undefined;
    return {
      ...made,
      ...(noise && { noise: { ...noise, clamping: next() % 2 === 1 } }),
      log: { ...log, scale: 1 + (next() % 200) },
    };
  } catch {
    return undefined;
  }
}

/** Returns a signal of `steps` windows, taken from random positions of the signals. */
const soundFor = ({ windowSamples }: FrontEnd, seed: number, steps: number): Int16Array => {
  const next = generator(seed + 5);
  const out = new Int16Array(steps * windowSamples);
  for (let s = 0; s < steps; s++) {
    const signal = signals[next() % signals.length] as Int16Array;
    const from = next() % (signal.length - windowSamples);
    out.set(signal.subarray(from, from + windowSamples), s * windowSamples);
  }
  return out;
};

function interpreted(file: Uint8Array, samples: Int16Array, windowSamples: number): number[] {
  const interpreter = new SignalInterpreter(readModelFile(file));
  const rows: number[] = [];
  for (let at = 0; at < samples.length; at += windowSamples)
    rows.push(...interpreter.step(samples.subarray(at, at + windowSamples)));
  return rows;
}

const count = Number(process.env.RUNLET_SIGNAL_FILES ?? 60);
test(`${count} written files: the features equal those of the file run operator by operator`, async () => {
  let [values, modules] = [0, 0];
  for (let seed = 0, made = 0; made < count; seed++) {
    const frontEnd = randomFrontEnd(seed);
    if (!frontEnd) continue;
    made++;
    const file = signalFile(frontEnd, seed);
    const read = readFrontEnd(file, { name: 'file' }) as FrontEnd;
    const samples = soundFor(frontEnd, seed, 6);
    const rows = featureRows(read, samples);
    assert.is(differing(rows, interpreted(file, samples, frontEnd.windowSamples)), 0, `seed ${seed}`);
    values += rows.length;
    if (made % 6 > 0) continue;
    modules++;
    const session = await openSession((await buildFrontEnd(read)).wasm as BufferSource);
    const found: number[] = [];
    session.pushAll(samples, () => found.push(...session.outputRaw()));
    assert.is(differing(found, rows), 0, `module of seed ${seed}`);
  }
  console.log(`  ${values} features, ${modules} modules, 0 differ`);
});

const usual = makeFrontEnd({ ...presetParameters('audio-preprocessor'), windowSamples: 320, channels: 12, stepSamples: 320 });

/** Changes the file, and returns the reader's message. */
function said(change: (model: TfModelOf, op: (name: string) => TfModelOf['operators'][number]) => void, seed = 1): string {
  const model = signalGraph(usual, seed);
  change(model, (name) => model.operators.find((o) => o.custom?.name === `Signal${name}`) as TfModelOf['operators'][number]);
  try {
    readFrontEnd(writeTflite(model));
    return 'read';
  } catch (error) {
    if (!isRunletError(error)) throw error;
    return `${error.code} ${error.parts.where}: ${error.parts.why}`;
  }
}

test('a file that differs from the pattern is refused, and the node is named', () => {
  assert.is(
    said(() => {}),
    'read',
  );
  const drop = (name: string) => (model: TfModelOf, op: (n: string) => TfModelOf['operators'][number]) => {
    const dropped = op(name);
    const [from, to] = [dropped.inputs[0] as string, dropped.outputs[0] as string];
    model.operators = model.operators.filter((o) => o !== dropped);
    for (const o of model.operators) o.inputs = o.inputs.map((i) => (i === to ? from : i));
  };
  for (const name of ['Window', 'Energy', 'FilterBank', 'FilterBankSquareRoot', 'FilterBankLog'])
    assert.match(said(drop(name)), /^RN114 .+: /, name);
  const tables: [string, RegExp, Parameters<typeof said>[0]][] = [
    ['another gain estimate', /Signal(PCAN|FilterBankSpectralSubtraction)/, (_, op) => { op('PCAN').inputs[1] = op('FilterBankSpectralSubtraction').outputs[0] as string; }], // biome-ignore format: one line
    ['an intermediate result that is also an output', /SignalRfft.*output too/, (m, op) => { m.outputs.push(op('Rfft').outputs[0] as string); }], // biome-ignore format: one line
    ['a network after the front end', /ADD#\d+.*network/, (m) => {
      const [last] = m.outputs as [string];
      m.tensors.more = { shape: [12], type: 9 };
      m.operators.push({ code: 0, inputs: [last, last], outputs: ['more'] });
      m.outputs = ['more'];
    }], // biome-ignore format: one line
    ['no constant window', /SignalWindow/, (m, op) => { delete (m.tensors[op('Window').inputs[1] as string] as { int16s?: unknown }).int16s; }], // biome-ignore format: one line
    ['a bin past the end of the spectrum', /SignalFilterBank.*band/, (m, op) => { (m.tensors[op('FilterBank').inputs[3] as string]?.int16s as number[])[12] = 900; }], // biome-ignore format: one line
    ['a band outside its weights', /SignalFilterBank.*band/, (m, op) => { (m.tensors[op('FilterBank').inputs[4] as string]?.int16s as number[])[5] = 32000; }], // biome-ignore format: one line
    ['no options', /SignalRfft.*option/, (_, op) => { const o = op('Rfft'); if (o.custom) o.custom.options = new Uint8Array(0); }], // biome-ignore format: one line
    ['a scaling that is not undone', /SquareRoot|AutoScale/, (m, op) => { m.tensors.other = { shape: [], ints: [3] }; op('FilterBankSquareRoot').inputs[1] = 'other'; }], // biome-ignore format: one line
  ];
  for (const [what, pattern, change] of tables) {
    const text = said(change);
    assert.match(text, /^RN1(14|03) /, `${what}: ${text}`);
    if (text.startsWith('RN114')) assert.match(text, pattern, what);
  }
});

test('readTflite refuses a front end, and the message describes it', () => {
  try {
    readTflite(signalFile(usual, 3));
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), /RN114.*320 samples into 12 features/);
  }
});

test('a damaged file is refused, or gives the features of the file run operator by operator', () => {
  const tries = Number(process.env.RUNLET_FUZZ_COUNT ?? 2000);
  const random = below(Number(process.env.RUNLET_FUZZ_SEED ?? 1));
  const small = { windowSamples: 64, stepSamples: 64, channels: 6, lowerHz: 200, upperHz: 6000 };
  const files = [0, 1, 2, 3].map((seed) =>
    signalFile(
      makeFrontEnd({
        ...presetParameters('audio-preprocessor'),
        ...small,
        pcan: seed < 2 ? presetParameters('micro').pcan : false,
      }),
      seed,
    ),
  );
  let [refused, equal] = [0, 0];
  for (let i = 0; i < tries; i++) {
    const file = mutateTflite(files[random(files.length)] as Uint8Array, random);
    let read: FrontEnd | undefined;
    try {
      read = readFrontEnd(file);
    } catch (error) {
      if (!isRunletError(error)) throw new Error(`damage ${i}`, { cause: error });
    }
    if (!read) {
      refused++;
      continue;
    }
    const samples = soundFor(read, i, 3);
    let rows: number[];
    try {
      rows = interpreted(file, samples, read.windowSamples);
    } catch (error) {
      throw new Error(`damage ${i}: the interpreter cannot run the accepted file`, { cause: error });
    }
    assert.is(differing(featureRows(read, samples), rows), 0, `damage ${i}`);
    equal++;
  }
  assert.ok(refused > 0 && equal > 0);
  console.log(`  ${tries} damaged files: ${refused} refused, ${equal} equal`);
});

const folder = shared('models', 'tflm', 'audio_preprocessor_int8');
const audio = shared('audio');
if (folder) {
  const file = new Uint8Array(readFileSync(join(folder, 'model.tflite')));
  test('audio_preprocessor_int8: reference, module and interpreter equal every recorded run', async () => {
    const read = readFrontEnd(file) as FrontEnd;
    assert.is(read.stepSamples, 480);
    const session = await openSession((await buildFrontEnd(read)).wasm as BufferSource);
    assert.ok((await selfTest(session)).ok);
    let outputs = 0;
    for (const run of ['rand', 'walk', 'edge']) {
      const samples = npySamples(join(folder, `${run}.in0.npy`));
      const expected = int8Of(join(folder, `${run}.out0.npy`));
      assert.is(differing(featureRows(read, samples), expected), 0, run);
      assert.is(differing(interpreted(file, samples, 480), expected), 0, `${run}, interpreter`);
      session.reset();
      const found: number[] = [];
      session.pushAll(samples, () => found.push(...session.outputRaw()));
      assert.is(differing(found, expected), 0, `${run}, module`);
      outputs += expected.length;
    }
    console.log(`  ${outputs} outputs, 0 differ`);
  });
  if (audio)
    test('audio_preprocessor_int8 at a step of 20 ms gives the recorded features', () => {
      const read = { ...(readFrontEnd(file) as FrontEnd), stepSamples: 320 };
      for (const name of ['yes_1000ms', 'no_1000ms'])
        assert.is(
          differing(featureRows(read, wavSamples(join(audio, `${name}.wav`))), int8Of(join(audio, `${name}.pre.out.bin`))),
          0,
        );
    });
}

test.run();
