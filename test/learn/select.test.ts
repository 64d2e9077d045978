/** `runlet select`: what is chosen, the file, the comparison with random, hostile pools. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { byChance, byUncertainty } from '../../host/learn/choose-windows.ts';
import { balanceOf, spreadOf } from '../../host/learn/spread.ts';
import { readNpz, readNpzAll, writeNpz } from '../../host/sources/npz.ts';
import { draws } from '../../models/xorshift.ts';
import { coverWindows, farthestFirst, featuresOf } from '../../quant/calibration/coverage.ts';
import { runCli } from '../host/helpers.ts';

const dir = mkdtempSync(join(tmpdir(), 'runlet-select-'));
const file = (name: string) => join(dir, name);
const zoo = join(import.meta.dirname, '../../models/zoo/har');

/**
 * A pool of windows of 8 frames of 2 values: nine in ten are near 0 (label 0), the others spread (label 1).
 */
function pool(count: number): Map<string, { shape: number[]; data: Float32Array | Int32Array | Int8Array }> {
  const draw = draws(count);
  const labels = Int8Array.from({ length: count }, (_, i) => (i % 10 === 9 ? 1 : 0));
  const windows = new Float32Array(count * 16);
  for (let i = 0; i < count; i++) {
    const level = labels[i] ? 10 * draw() : draw() / 10;
    for (let k = 0; k < 16; k++) windows[16 * i + k] = level + draw() / 100;
  }
  const person = Int32Array.from({ length: count }, (_, i) => i);
  return new Map<string, { shape: number[]; data: Float32Array | Int32Array | Int8Array }>([
    ['windows', { shape: [count, 8, 2], data: windows }],
    ['labels', { shape: [count], data: labels }],
    ['person', { shape: [count], data: person }],
    ['rate', { shape: [1], data: Int32Array.of(50) }],
  ]);
}

test('farthest first: on a line, the ends and then the middle; its radius is at most twice the best one', () => {
  const line = Float64Array.from([0, 1, 2, 4, 8]);
  assert.equal(farthestFirst(line, 1, 3), [0, 4, 3]);
  assert.equal(farthestFirst(line, 1, 9).length, 5);
  assert.equal(farthestFirst(line, 1, 2, [2, 2]), [2, 4]);
  const draw = draws(8);
  for (let run = 0; run < 30; run++) {
    const points = Float64Array.from({ length: 18 }, () => draw());
    const radius = (chosen: number[]) => spreadOf({ values: points, features: 2 }, chosen).radius;
    let best = Number.POSITIVE_INFINITY;
    for (let a = 0; a < 9; a++) for (let b = 0; b < a; b++) best = Math.min(best, radius([a, b]));
    assert.ok(radius(farthestFirst(points, 2, 2)) <= 2 * best + 1e-12);
  }
});

test('the most uncertain windows, ties in any order; a random choice has no window twice', () => {
  assert.equal(byUncertainty([0.1, 0.9, Number.NaN, 0.5], 2, 1), [1, 3]);
  const ties = new Set(Array.from({ length: 20 }, (_, seed) => byUncertainty(new Float64Array(10), 1, seed)[0]));
  assert.ok(ties.size > 3);
  assert.is(new Set(byChance(50, 50, 3)).size, 50);
});

test('balance: 1 for as many of each class, 0 for one class; windows without a label do not count', () => {
  const labels = [0, 1, 0, 1, -1, Number.NaN];
  assert.equal(balanceOf(labels, [0, 1, 4, 5]), { balance: 1, fewest: 1 });
  assert.equal(balanceOf(labels, [0, 2]), { balance: 0, fewest: 0 });
  assert.is(balanceOf([1, 1], [0]), undefined);
});

test('coverage chooses the few different windows, and its file has the rows of all arrays', async () => {
  writeFileSync(file('pool.npz'), await writeNpz(pool(400)));
  const args = ['select', 'pool.npz', '-n', '20', '-o', 'out.npz', '--json'];
  const { code, stdout } = await runCli(dir, args);
  assert.is(code, 0);
  const { chosen, ways } = JSON.parse(stdout) as {
    chosen: number[];
    ways: { way: string; inputRadius: number; fewest: number }[];
  };
  const all = pool(400).get('windows')?.data as Float32Array;
  const features = Array.from({ length: 400 }, (_, i) => featuresOf(i, [all.subarray(16 * i, 16 * i + 16)], [2]));
  assert.equal(chosen, coverWindows(features, 20));
  const [random, coverage] = ways as [(typeof ways)[0], (typeof ways)[0]];
  assert.ok(coverage.inputRadius < random.inputRadius / 2 && coverage.fewest > random.fewest);
  const { arrays } = await readNpzAll(new Uint8Array(readFileSync(file('out.npz'))));
  assert.equal(arrays.get('windows')?.shape, [20, 8, 2]);
  assert.equal([...(arrays.get('index')?.data ?? [])], chosen);
  assert.equal([...(arrays.get('person')?.data ?? [])], chosen);
  assert.equal([...(arrays.get('rate')?.data ?? [])], [50]);
  // the array that `quantize --calib` reads
  assert.equal((await readNpz(new Uint8Array(readFileSync(file('out.npz'))))).shape, [20, 8, 2]);
});

test('the same seed gives the same bytes, another seed another choice', async () => {
  writeFileSync(file('pool.npz'), await writeNpz(pool(100)));
  const bytes = async (seed: string, out: string) => {
    assert.is((await runCli(dir, ['select', 'pool.npz', '-n', '5', '--by', 'random', '--seed', seed, '-o', out])).code, 0);
    return Buffer.from(readFileSync(file(out))).toString('base64');
  };
  assert.is(await bytes('4', 'a.npz'), await bytes('4', 'b.npz'));
  assert.is.not(await bytes('4', 'a.npz'), await bytes('5', 'c.npz'));
});

test('with a model: uncertain takes the smallest margins, k-centre covers the outputs; quantize reads the file', async () => {
  const draw = draws(9);
  const count = 60;
  const windows = Float32Array.from({ length: count * 128 * 6 }, (_, i) => Math.sin(i / (3 + (i % 40))) * draw());
  writeFileSync(file('watch.npz'), await writeNpz(new Map([['windows', { shape: [count, 128, 6], data: windows }]])));
  const model = join(zoo, 'har-watch-tiny.onnx');
  const of = async (by: string) => {
    const { code, stdout, stderr } = await runCli(dir, [
      'select',
      'watch.npz',
      '-n',
      '12',
      '--by',
      by,
      '--model',
      model,
      '-o',
      'w.npz',
      '--json',
    ]);
    assert.is(code, 0, stderr);
    return JSON.parse(stdout) as { chosen: number[]; ways: { way: string; outputRadius: number }[] };
  };
  const centres = await of('k-centre');
  const radius = Object.fromEntries(centres.ways.map(({ way, outputRadius }) => [way, outputRadius]));
  assert.ok((radius['k-centre'] as number) <= (radius.random as number));
  assert.equal(Object.keys(radius), ['random', 'coverage', 'uncertain', 'k-centre']);
  assert.is(new Set((await of('uncertain')).chosen).size, 12);
  const made = await runCli(dir, ['quantize', model, '--calib', 'w.npz', '--hop', '8', '-o', 'w.rnq']);
  assert.is(made.code, 0, made.stderr);
});

test('refusals: no windows, labels of another length, a missing model, too many windows', async () => {
  const refused = async (name: string, arrays: ReturnType<typeof pool>, code: string, ...more: string[]) => {
    writeFileSync(file(name), await writeNpz(arrays));
    const { stderr } = await runCli(dir, ['select', name, '-n', '5', ...more]);
    assert.match(stderr, code);
  };
  const [full, without, wrong] = [pool(10), pool(10), pool(10)];
  without.delete('windows');
  wrong.set('labels', { shape: [3], data: Int8Array.of(0, 1, 2) });
  await refused('none.npz', without, 'RN795');
  await refused('labels.npz', wrong, 'RN795');
  await refused('full.npz', full, 'RN740', '--by', 'uncertain');
  await refused('full.npz', full, 'RN740', '-n', '11');
  await refused('full.npz', full, 'RN740', '--model', join(zoo, 'har-watch-tiny.onnx'));
});

test.after(() => rmSync(dir, { recursive: true, force: true }));
test.run();
