/** `runlet features`: rows equal the reference in every type, from files, pipes and pieces. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSession } from '../../host/session/index.ts';
import { openSource } from '../../host/sources/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { wavStream } from '../../host/sources/wav-stream.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { madeSignals } from '../frontend/signals.ts';
import { runCli } from './helpers.ts';

const dir = mkdtempSync(join(tmpdir(), 'runlet-features-'));
const runlet = async (args: string[], input?: Uint8Array) => {
  const { code, ...rest } = await runCli(dir, args, input);
  return { status: code, ...rest };
};
const samples = (madeSignals() as Record<string, Int16Array>).bursts as Int16Array;

/** Writes a WAV file of 16-bit PCM, with an unknown chunk before the samples. */
function wav(path: string, frames: Int16Array, channels = 1, rateHz = 16000): string {
  const bytes = Buffer.alloc(44 + 12 + frames.byteLength);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(rateHz, 24);
  bytes.writeUInt32LE(rateHz * 2 * channels, 28);
  bytes.writeUInt16LE(2 * channels, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('LIST', 36);
  bytes.writeUInt32LE(3, 40);
  bytes.write('abc', 44);
  bytes.write('data', 48);
  bytes.writeUInt32LE(frames.byteLength, 52);
  Buffer.from(frames.buffer).copy(bytes, 56);
  writeFileSync(path, bytes);
  return path;
}

const sound = wav(join(dir, 'sound.wav'), samples);
const npy = (path: string) => readNpy(new Uint8Array(readFileSync(path)));

test('rows go to a .npy file, and to standard output as text and JSON', async () => {
  const expected = featureRows(makeFrontEnd(presetParameters('micro')), samples);
  const out = join(dir, 'a.npy');
  const { stdout, status } = await runlet(['features', sound, '--preset', 'microwakeword', '--step-ms', '10', '-o', out]);
  assert.is(status, 0);
  assert.match(stdout, /98 rows of 40 int8 features, one every 10 ms, window 30 ms/);
  const { shape, dtype, data } = npy(out);
  assert.equal([shape, dtype], [[98, 40], 'i1']);
  assert.equal(data, expected);
  const lines = (await runlet(['features', sound])).stdout.trim().split('\n');
  assert.equal(Int8Array.from(lines.flatMap((l) => l.split(',').map(Number))), expected);
  const json = (await runlet(['features', sound, '--json'])).stdout
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l));
  assert.equal(Int8Array.from(json.slice(0, -1).flatMap(({ values }) => values)), expected);
  assert.equal([json[3].row, json[3].startS, json.at(-1).summary.rows], [3, 0.03, 98]);
});

test('options change the preset, and values can be float32 and uint16', async () => {
  const out = join(dir, 'b.npy');
  const flags = '--step-ms 20 --window-ms 25 --rows 32 --lower-hz 60 --upper-hz 3800 --no-pcan --tables newlib'.split(' ');
  const frontEnd = makeFrontEnd({
    ...presetParameters('micro'),
    stepSamples: 320,
    windowSamples: 400,
    channels: 32,
    lowerHz: 60,
    upperHz: 3800,
    pcan: false,
    tables: 'newlib',
  });
  await runlet(['features', sound, ...flags, '-o', out, '--as', 'float32']);
  const { scale, zeroPoint } = frontEnd.output;
  assert.equal(
    npy(out).data,
    Float32Array.from(featureRows(frontEnd, samples), (q) => scale * (q - zeroPoint)),
  );
  await runlet(['features', sound, ...flags, '-o', out, '--as', 'uint16', '--no-log', '--no-noise-reduction']);
  assert.is(npy(out).dtype, 'u2');
  assert.ok(Math.max(...npy(out).data) > 255);
});

test('--wasm writes the module, and its rows are the same', async () => {
  const [out, module] = [join(dir, 'c.npy'), join(dir, 'c.wasm')];
  await runlet(['features', sound, '--preset', 'log-mel', '-o', out, '--wasm', module]);
  const session = await openSession(readFileSync(module));
  const rows: number[] = [];
  session.pushAll(samples, () => rows.push(...session.outputRaw()));
  assert.equal(npy(out).data, Int8Array.from(rows));
});

test('PCM on standard input and one channel of a stereo file give the same rows', async () => {
  const out = join(dir, 'd.npy');
  const expected = featureRows(makeFrontEnd(presetParameters('micro')), samples);
  await runlet(['features', '-', '-o', out], Buffer.from(samples.buffer));
  assert.equal(npy(out).data, expected);
  const both = Int16Array.from({ length: 2 * samples.length }, (_, i) => (i & 1 ? (samples[i >> 1] as number) : 0));
  const stereo = wav(join(dir, 'stereo.wav'), both, 2);
  await runlet(['features', stereo, '--channel', '1', '-o', out]);
  assert.equal(npy(out).data, expected);
});

test('wrong options and files are refused', async () => {
  const code = async (...args: string[]) => /RN\d{3}/.exec((await runlet(['features', ...args])).stderr)?.[0];
  assert.is(await code(sound, '--preset', 'none'), 'RN506');
  assert.is(await code(sound, '--step-ms', '40'), 'RN506');
  assert.is(await code(sound, '--as', 'int4'), 'RN740');
  assert.is(await code(sound, '-o', join(dir, 'x.csv')), 'RN740');
  assert.is(await code(sound, '--rate', '8000', '--upper-hz', '3800'), 'RN723');
  assert.is(await code(wav(join(dir, 'short.wav'), samples.slice(0, 479))), 'RN760');
});

test('a WAV file that is read in pieces gives the same samples as read at once', async () => {
  const long = Int16Array.from({ length: 150_001 }, (_, i) => samples[i % samples.length] as number);
  const path = wav(join(dir, 'long.wav'), long);
  const collect = async (source: { frames: AsyncIterable<Float32Array> }) => {
    const all: number[] = [];
    for await (const chunk of source.frames) for (const x of chunk) all.push(x);
    return all;
  };
  const options = { frameElements: 1 };
  const whole = await openSource(path, options);
  const pieces = await wavStream(path, 'long.wav', options, readFileSync(path).length);
  assert.equal([pieces.describe, pieces.totalFrames, pieces.sampleRateHz], [whole.describe, whole.totalFrames, 16000]);
  assert.equal(await collect(pieces), await collect(whole));
  for (const [bytes, cut] of [
    [readFileSync(path).subarray(0, 200), 'RN728'],
    [Buffer.from('RIFF....AVI LIST'), 'RN728'],
    [Buffer.from('RIFX....WAVE'), 'RN729'],
  ] as const) {
    // biome-ignore format: one line
    const broken = join(dir, 'broken.wav');
    writeFileSync(broken, bytes);
    try {
      await wavStream(broken, 'broken.wav', options, bytes.length);
      assert.unreachable();
    } catch (error) {
      assert.match(String(error), cut);
    }
  }
});

test.after(() => rmSync(dir, { recursive: true }));
test.run();
