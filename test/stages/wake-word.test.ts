/**
 * openWakeWord from sound to word: mel front end, embedding network and head as one module, against
 * onnxruntime, which runs the three files like openWakeWord (8 rows of 80 ms at a time).
 *
 * Needs the reference models; with espeak-ng, also a synthetic voice that says the word.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession } from '../../host/session/index.ts';
import { openSource } from '../../host/sources/index.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { viewOf } from '../../models/graph/view.ts';
import { maxOf } from '../../models/lists.ts';
import { readModel } from '../../models/read/index.ts';
import { chainGraphs } from '../../models/stream/chain.ts';
import { planStream } from '../../models/stream/plan.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { wavSamples } from '../frontend/signals.ts';
import { loadRuntime } from '../read/onnx-oracle.ts';
import { shared } from '../shared.ts';

const models = shared('corpus', 'models');
const audio = shared('audio');
const runtime = await loadRuntime();
const file = (name: string): Buffer => readFileSync(join(models as string, name, 'model.onnx'));
const frontEnd = makeFrontEnd(presetParameters('openwakeword'));
/** Samples between two outputs, and samples that the rows of one block depend on. */
const [block, looked] = [1280, 1280 + 480];

/** Returns "hey rhasspy" among other words, spoken by a voice of espeak-ng; empty if espeak-ng is absent. */
async function spoken(voice: string): Promise<Int16Array> {
  const text = 'please wait. hey rhasspy. turn on the lights. what is the weather. hey rhasspy';
  const { status, stdout } = spawnSync('espeak-ng', ['-v', voice, '-s', '145', '--stdout', text], { maxBuffer: 1 << 24 });
  if (status !== 0) return new Int16Array(0);
  // espeak-ng writes to a pipe, and leaves the length undefined
  const header = Buffer.from(stdout);
  header.writeUInt32LE(stdout.length - 8, 4);
  header.writeUInt32LE(stdout.length - 44, 40);
  const folder = mkdtempSync(join(tmpdir(), 'runlet-spoken-'));
  const path = join(folder, 'spoken.wav');
  writeFileSync(path, header);
  const values: number[] = [];
  const source = await openSource(path, { frameElements: 1, sampleRateHz: 16000, resample: true, sound: true });
  for await (const chunk of source.frames) for (const x of chunk) values.push(x);
  rmSync(folder, { recursive: true });
  // two seconds of room noise instead of digital silence
  let noise = 1;
  const quiet = () => {
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    return (noise / 2 ** 32 - 0.5) * 60;
  };
  const all = [...new Array(32000).fill(0), ...values, ...new Array(16000).fill(0)];
  return Int16Array.from(all, (x) => Math.round(x * 12000 + quiet()));
}

/** Returns the scores of the three files, one per block, and the rows of the first file. */
async function expected(sound: Int16Array, head: Buffer): Promise<{ rows: Float32Array; scores: number[] }> {
  if (!runtime) throw new Error('no runtime');
  const { InferenceSession, Tensor } = runtime;
  const session = (bytes: Buffer) => InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const [mel, embedding, last] = await Promise.all([file('oww_melspec_onnx_w'), file('oww_embedding_onnx'), head].map(session));
  const run = async (of: typeof mel, dims: number[], data: Float32Array): Promise<Float32Array> => {
    const [input, output] = [of?.inputNames[0] as string, of?.outputNames[0] as string];
    return (await of?.run({ [input]: new Tensor('float32', data, dims) }))?.[output]?.data as Float32Array;
  };
  const rows: number[] = [];
  const embeddings: number[] = [];
  const scores: number[] = [];
  for (let at = 0; at + looked <= sound.length; at += block) {
    const made = await run(mel, [1, looked], Float32Array.from(sound.subarray(at, at + looked)));
    for (const x of made) rows.push(x / 10 + 2);
  }
  for (let row = 0; (row + 76) * 32 <= rows.length; row += 8)
    embeddings.push(...(await run(embedding, [1, 76, 32, 1], Float32Array.from(rows.slice(row * 32, (row + 76) * 32)))));
  for (let e = 0; (e + 16) * 96 <= embeddings.length; e++)
    scores.push((await run(last, [1, 16, 96], Float32Array.from(embeddings.slice(e * 96, (e + 16) * 96))))[0] as number);
  return { rows: Float32Array.from(rows), scores };
}

test('openWakeWord: the module gives the rows, scores and words of its three files', async () => {
  if (!models || !audio || !runtime) return;
  const head = file('oww_rhasspy_onnx');
  const chain = chainGraphs(await readModel(file('oww_embedding_onnx'), { window: 76 }), await readModel(head, { frame: 96 }));
  assert.is(viewOf(chain).clock.window, 76 + 15 * 8);

  const names = ['marvin_20s', 'okay_nabu_1', 'okay_nabu_3'];
  const sounds = names.map((name) => wavSamples(join(audio, `${name}.wav`)));
  const learnt = [...sounds, await spoken('en-gb-scotland')].map((sound) => featureRows(frontEnd, sound));
  const { scale, zeroPoint } = frontEnd.output;
  const real = Float32Array.from(
    learnt.flatMap((rows) => [...rows]),
    (q) => scale * (q - zeroPoint),
  );
  const made = await quantize(chain, real, { hop: 8, preset: 'fast' });
  const { wasm } = await build(quantPlan(planStream(made.graph, { hop: 8 })), { frontEnd, target: 'simd' });
  const session = await openSession(wasm as BufferSource);

  const voice = await spoken('en-us');
  if (voice.length === 0) console.log('skipped: espeak-ng is not there, so nobody says the word');
  for (const [i, sound] of [...sounds, voice].entries()) {
    if (sound.length === 0) continue;
    const { rows, scores } = await expected(sound, head);
    const ours = Float32Array.from(featureRows(frontEnd, sound), (q) => scale * (q - zeroPoint));
    // below 4, the amplitude of a band is less than ten units, and the front end rounds to whole units
    const errors = [...ours].flatMap((x, at) => (at < rows.length && (rows[at] as number) > 4 ? [x - (rows[at] as number)] : []));
    const rms = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    const got: number[] = [];
    session.reset();
    session.pushAll(sound, () => got.push(session.output()[0] as number));
    const count = Math.min(got.length, scores.length);
    const worst = maxOf(scores.slice(0, count).map((score, at) => Math.abs(score - (got[at] as number))));
    const words = (of: number[]) => of.filter((score, at) => score > 0.5 && !((of[at - 1] as number) > 0.5)).length;
    const name = names[i] ?? 'hey rhasspy, twice';
    console.log(
      `${name}: rows rms ${rms.toFixed(3)}, ${count} scores, largest difference ${worst.toFixed(4)}, words ${words(scores)} and ${words(got)}`,
    );
    assert.ok(rms < 0.1, `${name}: rows differ by less than a decibel`);
    assert.is(words(got), words(scores), name);
    if (i < names.length) assert.ok(worst <= 0.02, `${name}: ${worst}`);
    else assert.ok(words(scores) > 0, 'onnxruntime detects the word');
  }
});

test.run();
