/**
 * Third-party step networks from a WAV file to outputs, with the commands of docs/reading.md: silero-vad
 * (decisions) and DTLN (blocks of sound). They are compared with onnxruntime, which receives its own states
 * back.
 *
 * Needs the reference models.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-web';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSource } from '../../host/sources/index.ts';
import { loadRuntime } from '../read/onnx-oracle.ts';
import { root, shared } from '../shared.ts';

const models = shared('corpus', 'models');
const audio = shared('audio');
const runtime = await loadRuntime();
const it = models && audio && runtime ? test : test.skip;
const folder = mkdtempSync(join(tmpdir(), 'runlet-steps-'));
test.after(() => rmSync(folder, { recursive: true }));

const runlet = (...args: string[]): string =>
  execFileSync(process.execPath, [join(root, 'host/cli/bin.js'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
const model = (name: string): string => join(models as string, name, 'model.onnx');
const calibration = join(audio ?? '', 'marvin_20s.wav');
/** Returns recordings that were not used for calibration. */
const others = (): string[] => [
  ...readdirSync(audio as string).flatMap((f) => (/^(?!marvin).*\.wav$/.test(f) ? [join(audio as string, f)] : [])),
  join(root, 'models/zoo/vad/demo.wav'),
];

interface Step {
  /** Samples per window, and samples between windows (`hop`). */
  window: number;
  hop: number;
  input: string;
  dims: number[];
  /** Names of the state's input and output, and its dimensions. */
  state: { input: string; output: string; dims: number[] };
  output: string;
  rate?: number;
}

/** Returns the outputs of onnxruntime for the windows of a recording. */
async function theirs(bytes: Uint8Array, step: Step, recording: string): Promise<Float32Array[]> {
  const { InferenceSession, Tensor } = runtime as NonNullable<typeof runtime>;
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const { frames } = await openSource(recording, { frameElements: 1, sampleRateHz: 16000, sound: true });
  const samples: number[] = [];
  for await (const chunk of frames) for (const x of chunk) samples.push(x);
  const { input, dims, state, output, window, hop, rate } = step;
  let kept: Tensor = new Tensor('float32', new Float32Array(state.dims.reduce((a, b) => a * b)), state.dims);
  const answers: Float32Array[] = [];
  for (let at = 0; at + window <= samples.length; at += hop) {
    const x = new Tensor('float32', Float32Array.from(samples.slice(at, at + window)), dims);
    const sr: Record<string, Tensor> = rate ? { sr: new Tensor('int64', BigInt64Array.of(BigInt(rate)), []) } : {};
    const results = await session.run({ [input]: x, [state.input]: kept, ...sr });
    kept = results[state.output] as Tensor;
    answers.push(results[output]?.data as Float32Array);
  }
  await session.release();
  return answers;
}

const answersOf = (bundle: string, recording: string): number[][] =>
  runlet('run', bundle, recording)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).output);

it('silero-vad: 99 of 100 decisions equal those of onnxruntime', async () => {
  const path = model('silero_v5_w');
  const first = ['--set', 'sr=16000', '--window', '576', '--hop', '512', '--calib', calibration, '--channel', 'mix'];
  runlet('quantize', path, ...first, '--mixed', '--mixed-budget', '400', '-o', 'vad.rnq');
  runlet('build', 'vad.rnq', '--hop', '512', '-o', 'vad.wasm');
  const state = { input: 'state', output: 'stateN', dims: [2, 1, 128] };
  const step = { window: 576, hop: 512, input: 'input', dims: [1, 576], state, output: 'output', rate: 16000 };
  let [all, same, apart] = [0, 0, 0];
  for (const recording of others()) {
    const wanted = await theirs(readFileSync(path), step, recording);
    const got = answersOf('vad.wasm', recording);
    assert.is(got.length, wanted.length, recording);
    for (const [i, [score = 0]] of got.entries()) {
      const want = wanted[i]?.[0] ?? Number.NaN;
      all++;
      if (score >= 0.5 === want >= 0.5) same++;
      apart += Math.abs(score - want);
    }
  }
  console.log(`  silero-vad: ${same} of ${all} decisions, scores ${(apart / all).toFixed(4)} apart on average`);
  assert.ok(all > 500 && same / all >= 0.99, `${same} of ${all}`);
});

it('the second network of DTLN: the sound is within 10 dB of onnxruntime’s', async () => {
  const path = model('dtln2_onnx');
  runlet(
    'quantize',
    path,
    '--time-axis',
    '2',
    '--hop',
    '128',
    '--calib',
    calibration,
    '--channel',
    'mix',
    '--mixed',
    '--mixed-budget',
    '400',
    '-o',
    'd.rnq',
  );
  runlet('build', 'd.rnq', '--hop', '128', '-o', 'd.wasm');
  const state = { input: 'input_5', output: 'tf_op_layer_stack_5', dims: [1, 2, 128, 2] };
  const step = { window: 512, hop: 128, input: 'input_4', dims: [1, 1, 512], state, output: 'conv1d_3' };
  let [power, noise, blocks] = [0, 0, 0];
  for (const recording of others().slice(-3)) {
    const wanted = await theirs(readFileSync(path), step, recording);
    const got = answersOf('d.wasm', recording);
    assert.is(got.length, wanted.length, recording);
    blocks += got.length;
    for (const [i, block] of got.entries())
      for (const [k, x] of block.entries()) {
        const want = wanted[i]?.[k] ?? Number.NaN;
        power += want ** 2;
        noise += (x - want) ** 2;
      }
  }
  const decibels = 10 * Math.log10(power / noise);
  console.log(`  DTLN: ${blocks} blocks, ${decibels.toFixed(1)} dB`);
  // the output is int8, with one scale for the loudest and the quietest block
  assert.ok(decibels > 10, `${decibels} dB`);
});

test.run();
