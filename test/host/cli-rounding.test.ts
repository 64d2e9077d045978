/**
 * `--rounding` on the command line: validate names the rule that gives every expected byte, a bundle names
 * its reference, and a FULLY_CONNECTED keeps its rule when it becomes a convolution.
 *
 * The model is a FULLY_CONNECTED over each of three rows. Its biases lie next to the steps where the rules
 * differ. The expected bytes are those of the file's interpreter.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../../assembly/bundle/read.ts';
import { writeNpy } from '../../host/sources/npy.ts';
import { references } from '../../models/graph/rounding.ts';
import { readModel } from '../../models/read/index.ts';
import { Oracle } from '../oracle/execute.ts';
import { bytesOfInt32, Net } from '../oracle/writer/net.ts';
import { Rng } from '../oracle/writer/rng.ts';
import { writeFile } from '../oracle/writer/write.ts';
import { runCli } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-rounding-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

const [rows, depth, units] = [3, 4, 250];

/** Returns the model y = x * w + bias, with outputs next to the steps n - 1/2. */
function model(): Uint8Array {
  const net = new Net(new Rng(5));
  const [sx, sw, sy] = [Math.fround(0.051), Math.fround(0.0173), Math.fround(0.067)];
  const x = net.flow('x', { rows, f: 1, c: depth, scale: sx, zeroPoint: 3 }, [1, rows, depth]);
  const weights = { quant: { scales: [sw], zeroPoints: [0], axis: 0 }, data: new Uint8Array(units * depth).fill(1) };
  const biases = Array.from({ length: units }, (_, o) => Math.round((o - 124.5) / ((sx * sw) / sy)));
  const bias = { quant: { scales: [Math.fround(sx * sw)], zeroPoints: [0], axis: 0 }, data: bytesOfInt32(biases) };
  const y = net.flow('y', { rows, f: 1, c: units, scale: sy, zeroPoint: -2 }, [1, rows, units]);
  const inputs = [x.id, net.tensor('w', 'int8', [units, depth], weights), net.tensor('b', 'int32', [units], bias)];
  net.op('FULLY_CONNECTED', inputs, [y.id], { activation: 0, weightsFormat: 0, keepDims: 1 });
  net.main.inputs.push(x.id);
  net.main.outputs.push(y.id);
  return writeFile(net.file());
}

const windows = 60;
const bytes = model();
const rng = new Rng(9);
const input = Int8Array.from({ length: windows * rows * depth }, () => rng.int(-128, 127));
const expectedBy = (once: boolean): Int8Array => {
  const oracle = new Oracle(bytes, once);
  const step = (n: number) => oracle.step([input.subarray(n * rows * depth, (n + 1) * rows * depth)])[0] as Int8Array;
  return Int8Array.from(Array.from({ length: windows }, (_, n) => [...step(n)]).flat());
};
writeFileSync(at('m.tflite'), bytes);
writeFileSync(at('x.npy'), writeNpy([windows, rows * depth], input));
for (const [name, once] of [
  ['tflm', false],
  ['litert', true],
] as const)
  writeFileSync(at(`${name}.npy`), writeNpy([windows, rows * units], expectedBy(once)));

const runlet = (...args: string[]) => runCli(folder, args);
const validate = (expect: string, ...more: string[]) =>
  runlet('validate', 'm.tflite', '--input', 'x.npy', '--expect', `${expect}.npy`, ...more);

test('the layer becomes a convolution, and the rules differ on it', async () => {
  assert.equal(
    (await readModel(bytes)).nodes.map((n) => n.op),
    ['conv'],
  );
  const [a, b] = [expectedBy(false), expectedBy(true)];
  assert.ok(a.some((v, i) => v !== b[i]));
});

test('validate names the rule that gives every expected byte', async () => {
  const { code, stderr } = await validate('litert');
  assert.is(code, 1);
  assert.match(stderr, /--rounding litert reproduces every expected byte \(LiteRT 2\.3\.0/);
});

test('for other differences validate names no rule', async () => {
  const wrong = expectedBy(true);
  wrong[7] = (wrong[7] as number) ^ 1;
  writeFileSync(at('wrong.npy'), writeNpy([windows, rows * units], wrong));
  const { code, stderr, stdout } = await validate('wrong', '--rounding', 'litert', '--json');
  assert.is(code, 1);
  assert.is(JSON.parse(stdout).differing, 1);
  assert.not.match(stderr, /reproduces every expected byte/);
});

test('a bundle names its reference and keeps the rule that it was built with', async () => {
  const built = await runlet('build', 'm.tflite', '--rounding', 'litert', '-o', 'l.wasm');
  assert.is(built.code, 0, built.stderr);
  assert.is(readManifest(new Uint8Array(readFileSync(at('l.wasm')))).reference, references.litert);
  assert.match((await runlet('inspect', 'l.wasm')).stdout, /equals {2}LiteRT 2\.3\.0/);
  const changed = await runlet('validate', 'l.wasm', '--input', 'x.npy', '--expect', 'tflm.npy', '--rounding', 'tflm');
  assert.is(changed.code, 2);
  assert.match(changed.stderr, /RN740/);
  assert.is((await runlet('validate', 'l.wasm', '--input', 'x.npy', '--expect', 'litert.npy')).code, 0);
});

test('the rounding of weights has an option of a different name', async () => {
  const { code, stderr } = await runlet('build', 'm.tflite', '--rounding', 'together', '-o', 'no.wasm');
  assert.is(code, 2);
  assert.match(stderr, /RN740[\s\S]*--weight-rounding together/);
});

test.run();
