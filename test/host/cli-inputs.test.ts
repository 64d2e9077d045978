/**
 * The command line with a model of two inputs: plan, build, the cross table and run, with files in order, by
 * name and in one archive.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSession } from '../../host/session/index.ts';
import { writeNpy } from '../../host/sources/npy.ts';
import { specsOf } from '../../host/sources/several.ts';
import { wristModel, wristSignals } from '../read/inputs-model.ts';
import { codeOf, runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-inputs-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

const runlet = (...args: string[]) => runCli(folder, args);

const [accel, ppg] = wristSignals(300) as [Float32Array, Float32Array];
const accelNpy = writeNpy([accel.length / 3, 3], accel);
const ppgNpy = writeNpy([ppg.length, 1], ppg);
writeFileSync(at('wrist.onnx'), wristModel());
writeFileSync(at('accel.npy'), accelNpy);
writeFileSync(at('ppg.npy'), ppgNpy);
writeFileSync(at('ppg.csv'), [...ppg].join('\n'));
writeFileSync(at('both.npz'), zipSync({ 'accel.npy': accelNpy, 'ppg.npy': ppgNpy }));
writeFileSync(at('one.npz'), zipSync({ 'accel.npy': accelNpy }));

test('plan prints the rates of the inputs', async () => {
  const { code, stdout, stderr } = await runlet('plan', 'wrist.onnx', '--hop', '4');
  assert.is(code, 0, stderr);
  assert.match(stdout, /inputs +accel 1, ppg 2 frames a tick/);
  assert.match(stdout, /window +64 ticks, hop 4/);
  writeFileSync(at('open.onnx'), wristModel('valid', ['t', 'u']));
  const open = await runlet('plan', 'open.onnx', '--hop', '4', '--window', 'accel=64,ppg=128');
  assert.is(open.stdout, stdout, open.stderr);
});

test('build and run give the same lines with sources in order, by name and from one archive', async () => {
  const built = await runlet('build', 'wrist.onnx', '--hop', '4', '--calib', 'accel.npy,ppg.npy', '-o', 'wrist.wasm');
  assert.is(built.code, 0, built.stderr);
  const session = await openSession(readFileSync(at('wrist.wasm')) as BufferSource);
  const expected: number[] = [];
  session.pushAll([accel, ppg], () => expected.push(session.output()[0] as number));
  const ways = [['accel.npy', 'ppg.csv'], ['ppg=ppg.npy', 'accel.npy'], ['both.npz']];
  for (const [i, sources] of ways.entries()) {
    const plot = i === 0 ? ['--plot', 'run.svg', '--rate', '32'] : [];
    const { code, stdout, stderr } = await runlet('run', 'wrist.wasm', ...sources, ...plot);
    assert.is(code, 0, stderr);
    const lines = stdout.trim().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one line
    assert.equal(
      lines.map((line) => Math.fround(line.output[0])),
      expected,
      sources.join(' '),
    );
    assert.equal([lines[0].startFrame, lines[0].endFrame], [0, 64]);
  }
  assert.match(readFileSync(at('run.svg'), 'utf8'), /<svg/);
});

test('in the cross table over two inputs, wasm equals the reference and the windowed model', async () => {
  const { code, stdout, stderr } = await runlet('validate', 'wrist.onnx', '--hop', '4', '--calib', 'both.npz', '--json');
  assert.is(code, 0, stderr);
  const { equal, exact, pairs } = JSON.parse(stdout);
  assert.ok(equal && exact && pairs.some((p: { b: string; outputs: number }) => p.b === 'wasm' && p.outputs === 120));
});

test('wrong sources are refused', async () => {
  const run = (...args: string[]) => runlet('run', 'wrist.wasm', ...args);
  for (const [args, code, text] of [
    [['accel.npy'], 2, /RN741.*1 source for 2 inputs.*accel, ppg/],
    [['accel.npy', 'ppg.npy', 'ppg.npy'], 2, /RN741/],
    [['one.npz'], 2, /RN733.*no array ppg.*an array for every input/],
    [['ppg.npy', 'accel.npy'], 2, /RN722/],
    [['accel.npy', 'ppg.npy', '--gap', 'hold'], 2, /RN741.*--gap cannot be used with several inputs/],
  ] as [string[], number, RegExp][]) {
    const result = await run(...args);
    assert.is(result.code, code, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr.replace(/\s+/g, ' '), text);
  }
  const validated = await runlet('validate', 'wrist.wasm', '--input', 'accel.npy', '--expect', 'ppg.npy', '--hop', '4');
  assert.is(validated.code, 2, validated.stderr);
  assert.match(validated.stderr, /RN741/);
  const inputs = ['a', 'b'].map((name) => ({ name, elements: 1, rate: 1 }));
  assert.equal(specsOf(inputs, ['b=gen:sine?freq=2', 'gen:noise?seed=1']), ['gen:noise?seed=1', 'gen:sine?freq=2']);
  assert.is(await codeOf(() => specsOf(inputs, ['a=x', 'a=y'])), 'RN741');
  assert.is(await codeOf(() => specsOf(inputs, ['-', '-'])), 'RN741');
});

test.run();
