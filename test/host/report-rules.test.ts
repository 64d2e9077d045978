/** Reports of memory and time from made-up parts: which bytes count, and against which limit. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boards, coreModels } from '../../host/fit/boards.ts';
import { coefficients } from '../../host/fit/coefficients.ts';
import type { HopCounts } from '../../host/fit/counts.ts';
import { engines } from '../../host/fit/engines.ts';
import { estimate, fitsAll, type Subject } from '../../host/fit/estimate.ts';
import { executedIn, nativeCount } from '../../host/fit/native-count.ts';
import { pagePadding, ramOf } from '../../host/fit/ram.ts';
import { memoryPicture } from '../../host/report/memory-picture.ts';
import { table } from '../../host/report/table.ts';
import { tinyManifest } from './tiny-bundle.ts';

test('RAM includes the file for an interpreter, but not for code compiled ahead of time', () => {
  const bundle = { fileBytes: 50_000, memoryBytes: 20_000, codeBytes: 3000 };
  for (const { engine, fileBytes, poolBytes, totalBytes } of ramOf(bundle).engines) {
    assert.is(fileBytes, engine === 'AOT' ? 0 : 50_000, engine);
    assert.is(totalBytes, 20_000 + poolBytes + fileBytes);
  }
});

test('in the picture, weights that the host copies lie after the tables, other weights before', () => {
  const bytes = { weightBytes: 400, tableBytes: 300, stateBytes: 100, ioBytes: 100, scratchBytes: 100, memoryBytes: 1000 };
  const names = (home?: string) =>
    memoryPicture({ ...bytes, ...(home && { weights: { home } }) }).map((line) => line.split(/[ ·█]/)[0]);
  assert.equal(names().slice(0, 2), ['weights', 'tables']);
  assert.equal(names('tile').slice(0, 2), ['weights', 'tables']);
  assert.equal(names('linear').slice(0, 2), ['tables', 'weights']);
});

/** Returns a subject with counted instructions: mean and worst hop. */
function subjectOf(mean: number, most: number, memoryBytes = 1000): Subject {
  const manifest = { ...tinyManifest(), target: 'native', hop: 4 };
  manifest.bytes = { ...manifest.bytes, memoryBytes };
  const wasm = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  return { wasm, manifest, apart: 0, counted: { mean, most, tools: 'made up' } } as unknown as Subject;
}

test('fit: the time between two hops is hop / rate, and the worst hop decides, to the instruction', () => {
  for (const [name, board] of Object.entries(boards)) {
    const { times, cycles } = coreModels[board.core];
    const rate = 100;
    const budget = (4 * board.hz) / rate / cycles / times; // number of instructions between two hops
    const of = (most: number) => estimate(subjectOf(budget / 3, most), board, 'c', rate);
    assert.ok(Math.abs((of(1).budget?.ms ?? 0) - 40) < 1e-9, name);
    assert.is(of(budget * 0.999).fits.time, true, name);
    assert.is(of(budget * 1.001).fits.time, false, name);
    assert.is(fitsAll(of(budget * 1.001)), false);
    assert.is(estimate(subjectOf(1, 1e12), board, 'c').fits.time, undefined, 'no rate is known');
  }
});

test('fit: memory is checked against what other software leaves, to the byte', () => {
  for (const [name, board] of Object.entries(boards))
    for (const engine of ['c', 'aot'] as const) {
      const pool = engine === 'c' ? 0 : 2300;
      const free = board.ramBytes - board.systemBytes - pagePadding - pool;
      const of = (bytes: number) => estimate(subjectOf(1, 1, bytes), board, engine, 100);
      assert.is(of(free).fits.ram, true, `${name} ${engine}`);
      assert.is(of(free + 1).fits.ram, false, `${name} ${engine}`);
      assert.is(of(free).ram.needs, of(free).ram.has);
      assert.is(of(1).flash.has, board.flashBytes - board.systemFlashBytes);
      assert.ok(of(1).flash.needs >= engines[engine].flashBytes);
    }
});

/**
 * i64.load, i64.mul, i32.wrap_i64, i32.mul, then i32.load. The last two opcodes are next to 64-bit ones.
 * There are two hops: the first four instructions run 10 times and 0 times, the last one 3 times and once.
 */
const madeUpCounts = {
  module: { functions: [{ code: [0x29, 0x7e, 0xa7, 0x6c, 0x28].map((op) => ({ op })) }] },
  segments: [
    [
      { from: 0, to: 4, dead: false, counter: 0 },
      { from: 4, to: 5, dead: false, counter: 1 },
    ],
  ],
  hops: [Uint32Array.of(10, 3), Uint32Array.of(0, 1)],
} as unknown as HopCounts;

test('fit: a segment of n instructions that ran k times counts n times k, with 64-bit instructions separate', () => {
  const executed = executedIn(madeUpCounts, madeUpCounts.hops);
  assert.equal(executed, [
    { narrow: 13, wide: 30 },
    { narrow: 1, wide: 0 },
  ]);
  assert.equal(nativeCount(executed, { narrow: 0.5, wide: 4 }), [126.5, 0.5]);
});

test('fit: an estimate is that of the worst hop, with a range of instructions and time from the spread', () => {
  for (const [name, board] of Object.entries(boards)) {
    const { counted, cycles } = coreModels[board.core];
    const { narrow, wide, spread } = coefficients().native[counted];
    const { counted: _, ...subject } = subjectOf(1, 1);
    const { instructions, ms } = estimate({ ...subject, counts: madeUpCounts }, board, 'c', 100);
    const most = 13 * narrow + 30 * wide;
    assert.is(instructions.most, most, name);
    assert.equal(instructions.range, { low: spread.low * most, high: spread.high * most });
    for (const end of ['low', 'high'] as const)
      assert.ok(Math.abs((ms[end] ?? 0) - (1000 * spread[end] * most * cycles) / board.hz) < 1e-12, name);
    const { range, from } = estimate({ ...subject, counts: madeUpCounts }, board, 'aot', 100).instructions;
    assert.is(from, 'estimated');
    assert.is(range, undefined, 'the factor of aot was checked with no model');
  }
});

test('tables: a column is right-aligned if all its values are numbers', () => {
  const rows = [
    ['a', 1, 1],
    ['b', 'x', 20],
    ['c', 100, 300],
  ];
  assert.equal(table(rows).split('\n'), ['a  1      1', 'b  x     20', 'c  100  300']);
});

test.run();
