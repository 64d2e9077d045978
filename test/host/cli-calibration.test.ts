/** The command runlet quantize on calibration data: long and wrong files, and the report. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeNpy } from '../../host/sources/npy.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { random } from '../property/random-network.ts';
import { root } from '../shared.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-calibration-'));
const runlet = (...args: string[]) => runCli(folder, args);
const rnd = random(Number(process.env.RUNLET_SEED ?? 1));
const frames = 16 * 400;
const noise = Float32Array.from({ length: 3 * frames }, () => 2 * rnd() - 1);

const network = (channels: number, rateHz: number): Uint8Array =>
  writeModel({
    nodes: [
      { op: 'Conv', inputs: ['x', 'w', 'c'], outputs: ['a'] },
      { op: 'Relu', inputs: ['a'], outputs: ['r'] },
      { op: 'GlobalAveragePool', inputs: ['r'], outputs: ['y'] },
    ],
    inputs: { x: [1, channels, 16] },
    outputs: ['y'],
    tensors: {
      w: { dims: [4, channels, 5], floats: Array.from({ length: 20 * channels }, () => 2 * rnd() - 1) },
      c: { dims: [4], floats: [0.1, 0.2, -0.1, 0.3] },
    },
    metadata: { 'runlet.sample_rate_hz': `${rateHz}` },
  });
writeFileSync(join(folder, 'm.onnx'), network(3, 50));
writeFileSync(join(folder, 'x.npy'), writeNpy([frames, 3], noise));

test('a long recording is sampled, the report says how, and the same seed gives the same bytes', async () => {
  const args = ['quantize', 'm.onnx', '--hop', '4', '--calib', 'x.npy', '--calib-windows', '50', '--json'];
  const first = await runlet(...args, '-o', 'a.rnq');
  assert.is(first.code, 0, first.stderr);
  const { calibration, layers, methods } = JSON.parse(first.stdout);
  assert.is(methods.observer, 'mse', 'the default preset is good');
  assert.equal(
    [calibration.windowsSeen, calibration.windowsUsed, calibration.sampling, calibration.seed],
    [400, 50, 'covering', 1],
  );
  assert.ok(calibration.coverage.chosen.mean >= calibration.coverage.random.mean);
  assert.ok(layers.every((l: { settledAfter: number }) => l.settledAfter >= 1 && l.settledAfter <= 50));
  const again = await runlet(...args, '-o', 'b.rnq');
  assert.equal(JSON.parse(again.stdout).layers, layers);
  const other = await runlet(...args, '--calib-sampling', 'random', '--seed', '7');
  assert.not.equal(JSON.parse(other.stdout).layers, layers);
  const text = await runlet('quantize', 'm.onnx', '--hop', '4', '--calib', 'x.npy');
  assert.match(
    text.stdout,
    /calibration: 256 windows of 400, sampling covering, seed 1\n +they cover 100\.0 % of the input's ranges on average/,
  );
});

test('wrong data is refused with its code, and no file is written', async () => {
  const shape = (name: string, dims: number[], data: Float32Array) => writeFileSync(join(folder, name), writeNpy(dims, data));
  const turned = Float32Array.from(noise, (_, i) => noise[(i % frames) * 3 + Math.floor(i / frames)] as number);
  shape('turned.npy', [3, frames], turned);
  shape('windows.npy', [400, 16, 3], noise);
  const csv = (name: string, step: number, label = () => 'walk') => {
    const rows = Array.from(
      { length: 800 },
      (_, t) => `${(t * step).toFixed(4)},${noise.subarray(3 * t, 3 * t + 3).join(',')},${label()}`,
    );
    writeFileSync(join(folder, name), `time_s,a,b,c,class\n${rows.join('\n')}\n`);
  };
  csv('slow.csv', 0.1);
  csv('right.csv', 0.02, () => `${Math.floor(2 * rnd())}`);
  csv('single.csv', 0.02, () => '1');
  const cases: [string[], string | undefined][] = [
    [['turned.npy'], 'RN415'],
    [['windows.npy'], undefined],
    [['slow.csv', '--columns', 'a,b,c'], 'RN723'],
    [['right.csv', '--columns', 'a,b,c', '--truth', 'class'], undefined],
    [['single.csv', '--columns', 'a,b,c', '--truth', 'class'], 'RN419'],
  ];
  for (const [args, code] of cases) {
    const {
      stdout,
      stderr,
      code: exit,
    } = await runlet('quantize', 'm.onnx', '--hop', '4', '-o', 'no.rnq', '--json', '--calib', ...args);
    assert.is(code === undefined, exit === 0, `${args} ${stderr}`);
    if (code !== undefined) assert.is(JSON.parse(stdout).error.code, code);
    assert.is(existsSync(join(folder, 'no.rnq')), code === undefined);
    rmSync(join(folder, 'no.rnq'), { force: true });
  }
});

test('a WAV file becomes rows of a front end', async () => {
  const zoo = join(root, 'models/zoo/kws');
  const args = ['quantize', join(zoo, 'kws.onnx'), '--calib', join(zoo, 'demo.wav'), '--front-end', 'log-mel', '--step-ms', '20'];
  const { code, stdout, stderr } = await runlet(...args, '--preset', 'fast', '--calib-windows', '8', '--json');
  assert.is(code, 0, stderr);
  const { calibration, layers } = JSON.parse(stdout);
  assert.is(calibration.windowsUsed, 8);
  assert.ok(layers[0].max > 5 && layers[0].max < 20, `features up to ${layers[0].max}`);
});

test('a sound with two channels is calibrated with one channel, or with their mean', async () => {
  const header = Buffer.alloc(44);
  const pcm = Int16Array.from({ length: 8000 }, (_, i) => (i % 2 === 0 ? 16384 : 2048) * Math.sin(i / 9));
  header.write('RIFF', 0);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(36 + pcm.byteLength, 4);
  for (const [at, value] of [[16, 16], [24, 8000], [28, 32000]] as const) header.writeUInt32LE(value, at); // biome-ignore format: one line
  for (const [at, value] of [[20, 1], [22, 2], [32, 4], [34, 16]] as const) header.writeUInt16LE(value, at); // biome-ignore format: one line
  header.write('data', 36);
  header.writeUInt32LE(pcm.byteLength, 40);
  writeFileSync(join(folder, 'two.wav'), Buffer.concat([header, Buffer.from(pcm.buffer)]));
  writeFileSync(join(folder, 'one.onnx'), network(1, 8000));
  const quantised = (...more: string[]) =>
    runlet('quantize', 'one.onnx', '--hop', '4', '--preset', 'fast', '--calib', 'two.wav', '--json', ...more);
  const both = await quantised();
  assert.is(JSON.parse(both.stdout).error.code, 'RN722');
  for (const [channel, most] of [
    ['0', 0.5],
    ['1', 0.0625],
    ['mix', 0.28125],
  ] as const) {
    const { code, stdout, stderr } = await quantised('--channel', channel);
    assert.is(code, 0, stderr);
    const { max } = JSON.parse(stdout).layers[0];
    assert.ok(max > 0.95 * most && max <= most, `channel ${channel}: up to ${max}`);
  }
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
