/**
 * The command line with models that feed each other: combined into one model (--then), and as bundles that
 * listen together (a bundle as --front-end).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSession } from '../../host/session/index.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { wavBytes } from '../browser/web-page.ts';
import { seededNormal } from '../read/onnx-oracle.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-chain-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

const normal = seededNormal(4);
const floats = (count: number, scale: number): number[] => Array.from({ length: count }, () => normal() * scale);
const float = (name: string, dims: number[]) => ({ name, type: 'float32' as const, dims });

// takes 9 rows of 32 features and gives a row of 8, at every second row
writeFileSync(
  at('embedding.onnx'),
  writeModel({
    inputs: [float('x', [1, 32, 9])],
    outputs: [float('y', [1, 8, 1])],
    tensors: { w: { dims: [8, 32, 3], floats: floats(768, 0.1) }, v: { dims: [8, 8, 4], floats: floats(256, 0.2) } },
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['a'], attributes: { strides: [2] } },
      { op: 'Relu', inputs: ['a'], outputs: ['b'] },
      { op: 'Conv', inputs: ['b', 'v'], outputs: ['y'] },
    ],
  }),
);
// takes 8 rows of 8 and gives two scores; rows and features are both 8
writeFileSync(
  at('head.onnx'),
  writeModel({
    inputs: [float('x', [1, 48])],
    outputs: [float('y', [1, 2])],
    tensors: { w: { dims: [48, 2], floats: floats(96, 0.2) } },
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
  }),
);
const sound = Float32Array.from({ length: 32000 }, (_, i) => 0.2 * Math.sin(i * (0.1 + i / 400000)) + 0.01 * normal());
writeFileSync(at('sound.wav'), wavBytes(sound, 16000));

const runlet = async (line: string): Promise<string> => {
  const { code, stdout, stderr } = await runCli(folder, line.split(' '));
  assert.is(code, 0, stderr);
  return stdout + stderr;
};

test('--then combines two models into one, from the file to the outputs', async () => {
  assert.match(await runlet('plan embedding.onnx --then head.onnx'), /window +19 frames, hop 2/);
  assert.match(await runlet('plan embedding.onnx --then head.onnx --then-step 4'), /window +29 frames, hop 4/);
  const refused = await runCli(folder, 'plan embedding.onnx --then head.onnx --then-step 3'.split(' '));
  assert.match(refused.stderr, /RN210.*every 2 frames/s);
  await runlet('quantize embedding.onnx --then head.onnx --calib sound.wav --front-end openwakeword -o chain.rnq');
  await runlet('build chain.rnq --front-end openwakeword -o chain.wasm');
  const { manifest, hop } = await openSession(readFileSync(at('chain.wasm')) as BufferSource);
  assert.is(manifest.frontEndConfig?.channels, 32);
  assert.is(hop, 320, 'two rows of 10 ms');
});

test('a bundle that takes sound calibrates the next model and feeds it', async () => {
  await runlet('quantize embedding.onnx --calib sound.wav --front-end openwakeword -o embedding.rnq');
  await runlet('build embedding.rnq --hop 2 --front-end openwakeword -o embedding.wasm');
  await runlet('quantize head.onnx --frame 8 --calib sound.wav --front-end embedding.wasm -o head.rnq');
  await runlet('build head.rnq --hop 1 -o head.wasm');
  const lines = (await runlet('run head.wasm sound.wav --front-end embedding.wasm --scores')).match(/^\{.*"output".*$/gm) ?? [];
  const scores = lines.map((line) => JSON.parse(line).output as number[]);
  const one = (await runlet('run chain.wasm sound.wav --scores')).match(/^\{.*"output".*$/gm) ?? [];
  assert.is(scores.length, one.length);
  // the two ways round to int8 differently; they differ far less than consecutive outputs
  const apart = (a: number[][], b: number[][]) => maxOf(a.map((row, i) => Math.abs((row[0] as number) - (b[i]?.[0] as number))));
  const answers = one.map((line) => JSON.parse(line).output as number[]);
  const first = answers.map(([x]) => x as number);
  const [lowest, highest] = [minOf(first), maxOf(first)];
  assert.ok(apart(scores, answers) < 0.2 * (highest - lowest), `${apart(scores, answers)} of ${highest - lowest}`);
  const wrong = await runCli(folder, 'quantize head.onnx --frame 8 --calib sound.wav --front-end head.wasm -o x.rnq'.split(' '));
  assert.match(wrong.stderr, /RN775.*does not take sound/);
});

test.run();
