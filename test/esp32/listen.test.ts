/**
 * The platform-independent part of the ESP-IDF project on a real WAMR. kws and its demo sound give the words,
 * times and means of Node, bit for bit, at any block size. Lost frames are counted and restart the stream.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Bundle } from '../../assembly/build.ts';
import { build } from '../../assembly/build.ts';
import { makeImage } from '../../assembly/bundle/image.ts';
import { manifestFields } from '../../host/command/load.ts';
import { frontEnd, hop, readFloat, readWav, toInt8, zoo } from '../../host/demo/kws-model.ts';
import { type Detection, LabelDetector, openSession } from '../../host/session/index.ts';
import { quantiseValue } from '../../host/session/quantise.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { absent } from '../mcu/tools.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { at, program } from './programs.ts';

if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;

interface Line {
  heard?: string;
  gap?: number;
  at?: number;
  timeMs?: number;
  mean?: number;
  values?: number[];
}
interface End {
  line: string;
  length: number;
  frames: number;
  lost: number;
  givenUp: number;
  waiting: number;
}

/** Runs the loop over PCM. */
function listen(image: string, frames: string, ...numbers: number[]): { lines: Line[]; end: End } {
  const text = execFileSync(program('listen'), [image, frames, ...numbers.map(String)], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const lines = text.trim().split('\n').map((line) => JSON.parse(line) as Line); // biome-ignore format: one line
  return { lines, end: lines.pop() as End };
}

/** Writes the image that `runlet image` makes from a bundle's manifest. @returns its path */
function imageOf(bundle: Bundle, name: string): string {
  const detector = new LabelDetector(bundle.manifest, 0);
  const words = detector.parts.map(({ element, detector: { label, cutoff } }) => ({ element, label, cutoff }));
  const { slidingWindow, refractoryMs } = (detector.parts[0] as LabelDetector['parts'][number]).detector;
  writeFileSync(at(name), makeImage({ ...bundle, detector: { output: detector.output, voice: detector.voice, slidingWindow, refractoryMs, words } })); // biome-ignore format: one line
  return at(name);
}

let kws: Promise<Bundle> | undefined;
const kwsBundle = (): Promise<Bundle> => {
  kws ??= (async () => {
    const graph = await readFloat('kws.onnx');
    return build(quantPlan(planStream(toInt8(graph), { hop })), { ...manifestFields(graph), frontEnd, weights: 'tile' });
  })();
  return kws;
};

const pcm = readWav(join(zoo, 'demo.wav'));
const soundFile = (): string => {
  writeFileSync(at('demo.s16'), new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength));
  return at('demo.s16');
};

/** Returns Node's words and outputs over frames; times are those from frame `origin` of the stream. */
async function inNode(bundle: Bundle, sound: Int16Array, origin = 0, detector?: LabelDetector, elements = 1) {
  const session = await openSession(bundle.wasm as BufferSource, { weights: bundle.weights as BufferSource | undefined });
  const outputs: { timeMs: number; values: Float32Array }[] = [];
  const heard: Detection[] = [];
  const step = session.hop * elements;
  for (let from = 0; from + step <= sound.length; from += step) {
    if (!session.push(sound.subarray(from, from + step))) continue;
    const { delayFrames } = session.manifest;
    const timeMs = (1000 * (origin + session.outputIndex * session.hop + session.window + delayFrames)) / 16000;
    const values = session.output().slice();
    outputs.push({ timeMs, values });
    const found = detector?.push(values, timeMs);
    if (found) heard.push(found);
  }
  return { outputs, heard };
}

const wordsIn = (lines: Line[]) => lines.filter((l) => l.heard !== undefined).map(({ heard, timeMs, mean }) => ({ label: heard, timeMs, probability: mean })); // biome-ignore format: one line

/** Compares outputs. They are printed as %.9g, which is exact for float32. */
function compareOutputs(lines: Line[], outputs: { timeMs: number; values: Float32Array }[]): void {
  const found = lines.filter((l) => l.values);
  assert.is(found.length, outputs.length);
  for (const [i, { timeMs, values }] of outputs.entries()) {
    assert.is(found[i]?.timeMs, timeMs);
    assert.equal(Float32Array.from(found[i]?.values ?? []), values, `output ${i}`);
  }
}

only('kws on demo.wav gives the words, times, means and outputs of Node', async () => {
  const bundle = await kwsBundle();
  const image = imageOf(bundle, 'kws.bin');
  const { outputs, heard } = await inNode(bundle, pcm, 0, new LabelDetector(bundle.manifest, 0));
  assert.ok(heard.length >= 10, `${heard.length} words`);
  for (const [block, capacity] of [
    [160, 2048],
    [1000, 4096],
  ] as const) {
    // biome-ignore format: a table
    const { lines, end } = listen(image, soundFile(), block, capacity, 0, 0);
    assert.equal(wordsIn(lines), heard);
    compareOutputs(lines, outputs);
    assert.is(end.lost, 0);
    assert.is(end.frames + end.waiting, pcm.length);
    assert.is(end.length, end.line.length);
    const pattern = /^runlet kws t=(\d+\.\d)s hops=(\d+) us=1234 worst=1234 load=3\.0% outputs=(\d+) heard=(\d+) lost=0 gaps=0 queue=(\d+)\/(\d+) pool=(\d+)\/\d+ linear=(\d+) file=(\d+) heap=1 least=2 stack=3$/; // biome-ignore format: one line
    const [, seconds, hops, out, words, , size, pool, linear, file] = (pattern.exec(end.line) ?? []).map(Number);
    assert.is(seconds, Math.floor((10 * end.frames) / 16000) / 10, end.line);
    assert.is(hops, Math.floor(pcm.length / (hop * 320)));
    assert.equal([out, words, size], [outputs.length, heard.length, capacity]);
    assert.is(file, bundle.wasm.length);
    const { memoryBytes } = bundle.manifest.bytes;
    assert.ok((linear as number) >= memoryBytes && (linear as number) <= memoryBytes + 24, `linear ${linear}`);
    console.log(`  ${heard.length} words, ${outputs.length} outputs, 0 differ; ${pool} bytes of pool on 64 bits`);
  }
});

/** Returns Node's words and outputs if the stream ends at frame `cut` and restarts at frame `origin`. */
async function inNodeWithGap(bundle: Bundle, cut: number, origin: number) {
  const detector = new LabelDetector(bundle.manifest, 0);
  const before = await inNode(bundle, pcm.subarray(0, cut - (cut % (hop * 320))), 0, detector);
  // a gap clears windows, and refractory times continue
  for (const part of detector.parts) part.detector.clear();
  const after = await inNode(bundle, pcm.subarray(origin), origin, detector);
  return { outputs: [...before.outputs, ...after.outputs], heard: [...before.heard, ...after.heard] };
}

only('lost sound is counted, and the words after it are those of a stream that begins there', async () => {
  const bundle = await kwsBundle();
  const [stallAt, stall, capacity, block] = [160_000, 16_000, 2048, 160];
  const { lines, end } = listen(imageOf(bundle, 'kws.bin'), soundFile(), block, capacity, stallAt, stall);
  const gaps = lines.filter((l) => l.gap !== undefined);
  assert.is(gaps.length, 1);
  assert.is(end.lost, gaps[0]?.gap);
  assert.is(end.frames + end.waiting, pcm.length, 'each sample was consumed, lost, given up, or waits');
  assert.ok(end.lost > 0 && end.givenUp > 0 && end.givenUp <= capacity, JSON.stringify(end));
  assert.match(end.line, new RegExp(` lost=${end.lost} gaps=1 queue=${capacity}/${capacity} `));
  // the first sample after the gap: everything before it had come when the loop ran again
  const expected = await inNodeWithGap(bundle, stallAt, stallAt + stall + block);
  compareOutputs(lines, expected.outputs);
  assert.equal(wordsIn(lines), expected.heard);
});

only('after sound that the sensor missed, no output uses both sides of the gap, even if a hop of both waits', async () => {
  const bundle = await kwsBundle();
  const image = imageOf(bundle, 'kws.bin');
  for (const [block, missAt, missed] of [
    [160, 160_160, 320],
    [1000, 160_000, 3000],
  ] as const) {
    const { lines, end } = listen(image, soundFile(), block, 4096, 0, 0, missAt, missed);
    assert.equal(lines.filter((l) => l.gap !== undefined).map(({ gap }) => gap), [missed]); // biome-ignore format: one line
    assert.is(end.lost, missed);
    assert.is(end.frames + end.waiting, pcm.length);
    // frames that waited before the gap, and the block after it
    assert.is(end.givenUp, (missAt % (hop * 320)) + block);
    const expected = await inNodeWithGap(bundle, missAt, missAt + missed + block);
    compareOutputs(lines, expected.outputs);
    assert.equal(wordsIn(lines), expected.heard);
  }
});

only("the detector gives Node's words for any values, windows and cutoffs", async () => {
  const bundle = await build(quantPlan(planStream(tinyStream(), { hop: 12 })));
  const elements = bundle.manifest.outputs[0]?.elements as number;
  const labels = Array.from({ length: elements }, (_, i) => `w${i}`);
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
  let words = 0;
  for (let round = 0; round < 40; round++) {
    const slidingWindow = 1 + Math.floor(random() * 6);
    const refractoryMs = Math.floor(random() * 400);
    const cutoffs = Object.fromEntries(labels.map((l) => [l, Math.round(40 + random() * 40) / 100]));
    const manifest = { ...bundle.manifest, labels, detector: { cutoff: 0.5, cutoffs, slidingWindow, refractoryMs, output: 0 } };
    const detector = new LabelDetector(manifest, 0);
    const path = imageOf({ ...bundle, manifest }, 'words.bin');
    const rows = 300;
    const given = new DataView(new ArrayBuffer(rows * (8 + 4 * elements)));
    const expected: Detection[] = [];
    const values = new Float32Array(elements);
    for (let row = 0; row < rows; row++) {
      const timeMs = 33.3 * row;
      const offset = row * (8 + 4 * elements);
      given.setFloat64(offset, timeMs, true);
      for (let i = 0; i < elements; i++) {
        values[i] = 0.8 * (values[i] as number) + (0.2 * Math.round(random() * 256)) / 256 + (random() < 0.05 ? 0.4 : 0);
        given.setFloat32(offset + 8 + 4 * i, values[i] as number, true);
      }
      const found = detector.push(values, timeMs);
      if (found) expected.push(found);
    }
    writeFileSync(at('values'), new Uint8Array(given.buffer));
    const text = execFileSync(program('detect'), ['words', path, at('values')], { encoding: 'utf8' });
    const found = text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Detection); // biome-ignore format: one line
    assert.equal(found, expected, `round ${round}`);
    words += expected.length;
  }
  assert.ok(words > 200, `${words} words`);
});

only("the quantiser gives Node's int8 for real values, halves, infinity and NaN", () => {
  const reals = [0, -0, 0.5, -0.5, 1.5, -1.5, 1e9, -1e9, Infinity, -Infinity, Number.NaN, 3.4e38, 1e-40];
  for (let i = 0; i < 2000; i++) reals.push(Math.fround((i - 1000) * 0.0731), (i - 1000) / 64);
  writeFileSync(at('reals'), new Uint8Array(Float32Array.from(reals).buffer));
  for (const [scale, zero] of [
    [Math.fround(0.0731), 3],
    [1 / 32, -128],
    [1, 127],
  ] as const) {
    // biome-ignore format: a table
    const text = execFileSync(program('detect'), ['stored', String(scale), String(zero), at('reals')], { encoding: 'utf8' });
    const expected = reals.map((x) => (Number.isNaN(x) ? zero : quantiseValue(x, scale, zero)));
    assert.equal(text.trim().split('\n').map(Number), expected);
  }
});

only('a model without words prints its values, and an image or a queue that does not fit the module is refused', async () => {
  const bundle = await build(quantPlan(planStream(tinyStream(), { hop: 12 })), { sampleRateHz: 16000 });
  const frames = Int8Array.from({ length: 480 }, (_, i) => (i * i * 7 + 13 * i) % 251);
  const { outputs } = await inNode(bundle, frames as unknown as Int16Array, 0, undefined, 2);
  assert.ok(outputs.length > 5);
  writeFileSync(at('plain.bin'), makeImage(bundle));
  writeFileSync(at('frames'), new Uint8Array(frames.buffer));
  const { lines, end } = listen(at('plain.bin'), at('frames'), 4, 64, 0, 0);
  compareOutputs(lines, outputs);
  assert.match(end.line, / heard=0 lost=0 gaps=0 queue=\d+\/64 /);
  const words = [{ element: 0, label: 'one', cutoff: 0.5 }];
  const one = { ...bundle.manifest, outputs: bundle.manifest.outputs.map((o) => ({ ...o, elements: 1 })) };
  const detector = { output: 0, slidingWindow: 1, refractoryMs: 0, voice: false, words };
  writeFileSync(at('wrong.bin'), makeImage({ ...bundle, manifest: one, detector }));
  for (const [image, capacity] of [['wrong.bin', 64], ['plain.bin', 8]] as const) // biome-ignore format: a table
    assert.throws(() => listen(at(image), at('frames'), 4, capacity, 0, 0), /do not fit each other/);
});

test.run();
