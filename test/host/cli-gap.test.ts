/** `runlet run --gap`: NaN rows and jumps of a time column, policies, marks on the outputs, and messages. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Clock } from '../../host/sources/clock.ts';
import { csvSource } from '../../host/sources/csv.ts';
import { GapList, present } from '../../host/sources/gaps.ts';
import { codeOf, collect, once, runCli, utf8 } from './helpers.ts';
import { hop, reference, tinyBundle, window } from './tiny-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-gap-'));
test.after(() => rmSync(folder, { recursive: true }));

const runlet = (...args: string[]) => runCli(folder, ['run', ...args]);
const linesOf = (stdout: string) => stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)); // biome-ignore format: one line

/** 60 frames at 100 Hz; 17, 18 and 40 are lost. */
const lost = (i: number) => i === 17 || i === 18 || i === 40;
const values = Int8Array.from({ length: 60 }, (_, i) => ((i * 37) % 101) - 50);
const there = [...values.keys()].filter((i) => !lost(i));
const csv = (rows: (number | string)[][], head = 'time_s,x') => `${head}\n${rows.map((row) => row.join(',')).join('\n')}\n`;
const real = (i: number) => (values[i] as number) / 2;

/** Returns the signal with the lost frames filled. */
function filled(policy: 'hold' | 'zero'): Int8Array {
  const all = values.slice();
  for (const i of values.keys()) if (lost(i)) all[i] = policy === 'zero' ? 0 : (all[i - 1] as number);
  return all;
}
const expected = (all: Int8Array) =>
  reference(all).map((o, n) => {
    const gapFrames = [...all.keys()].filter((i) => lost(i) && i >= n * hop && i < n * hop + window).length;
    const line = { n, startFrame: n * hop, endFrame: n * hop + window, timeS: (n * hop + window) / 100, output: [o[0] as number / 2] }; // biome-ignore format: one line
    return gapFrames ? { ...line, gapFrames } : line;
  });

test.before(async () => {
  const at = (name: string) => join(folder, name);
  writeFileSync(at('tiny.wasm'), await tinyBundle());
  writeFileSync(at('warm.wasm'), await tinyBundle({ warmUpHops: 2 }));
  writeFileSync(at('ppg.wasm'), await tinyBundle({ sampleRateHz: 32, frontEnd: 'ppg', scale: 0.05 }));
  writeFileSync(at('jumps.csv'), csv(there.map((i) => [i / 100, real(i)])));
  writeFileSync(at('unix.csv'), csv(there.map((i) => [1.7e12 + 10 * i, real(i)]), 'timestamp,x')); // biome-ignore format: one line
  writeFileSync(at('holes.csv'), csv([...values.keys()].map((i) => [i === 18 ? '' : i / 100, lost(i) ? (i === 17 ? 'nan' : '') : real(i)]))); // biome-ignore format: one line
  writeFileSync(at('plain.csv'), csv([...values.keys()].map((i) => [lost(i) ? 'NaN' : real(i)]), 'x')); // biome-ignore format: one line
  writeFileSync(at('two.csv'), csv([[0, 0, 1]], 't,time,x'));
  writeFileSync(at('back.csv'), csv([[0, 1], [0.01, 1], [0, 1]])); // biome-ignore format: one line
  writeFileSync(at('rows.csv'), csv([[0, 1], [1, 1]], 'time,x')); // biome-ignore format: one line
  writeFileSync(at('unclear.csv'), csv([[0, 1], [3, 1]], 'time,x')); // biome-ignore format: one line
});

test('NaN rows and jumps of the time, in seconds or milliseconds, give the same marked outputs', async () => {
  for (const policy of ['hold', 'zero'] as const) {
    const runs: [string, ...string[]][] = [
      ['jumps.csv'],
      ['holes.csv'],
      ['plain.csv'],
      ['unix.csv', '--time', 'timestamp'],
      ['unix.csv', '--time', '0', '--time-unit', 'ms'],
    ];
    for (const run of runs) {
      const { code, stdout, stderr } = await runlet('tiny.wasm', ...run, '--gap', policy, '--rate', '100');
      assert.is(code, 0, stderr);
      assert.equal(linesOf(stdout), expected(filled(policy)), `${run.join(' ')} ${policy}`);
      assert.match(stderr, `gaps: 2, 3 lost frames (0.03 s), policy ${policy}\n`);
    }
  }
});

test('reset restarts the stream, and absolute frame numbers continue', async () => {
  const { stdout, stderr } = await runlet('warm.wasm', 'jumps.csv', '--gap', 'reset', '--rate', '100', '--json');
  const lines = linesOf(stdout);
  const { summary } = lines.pop();
  const pieces: [number, number][] = [[0, 17], [19, 40], [41, 60]]; // biome-ignore format: one line
  const want = pieces.flatMap(([from, to]) =>
    reference(values.slice(from, to), 1, 2).map((o, i) => {
      const startFrame = from + (i + 2) * hop;
      const origin = from ? { originFrame: from } : {};
      return { n: i + 2, ...origin, startFrame, endFrame: startFrame + window, timeS: (startFrame + window) / 100, output: [o[0] as number / 2] }; // biome-ignore format: one line
    }),
  );
  assert.equal(lines, want);
  assert.equal(summary.gaps, { policy: 'reset', count: 2, frames: 3, outputsLeftOut: 0 });
  assert.equal([summary.frames, summary.signalSeconds, summary.warmUp], [57, 0.6, { outputsHeldBack: 6, framesLeft: 1 }]);
  assert.match(stderr, 'warm-up: 2 outputs are held back; the first output is number 2, after 16 frames (0.16 s)\n');
  assert.match(stderr, 'policy reset');
});

test('a gap of a year takes little time, and too short a signal reports the missing frames', async () => {
  writeFileSync(join(folder, 'year.csv'), csv([...values.keys()].map((i) => [i < 30 ? i / 100 : i / 100 + 31_557_600, real(i)])));
  const started = performance.now();
  const { stdout, stderr } = await runlet('tiny.wasm', 'year.csv', '--gap', 'hold', '--rate', '100', '--limit', '40');
  assert.ok(performance.now() - started < 10_000);
  assert.ok(linesOf(stdout).at(-1).n > 7e8);
  assert.match(stderr, /gaps: 1, 3155760000 lost frames .*; \d+ repeating outputs inside them are omitted/);
  writeFileSync(join(folder, 'short.csv'), csv([[0, 1], [0.01, 2]])); // biome-ignore format: one line
  assert.match((await runlet('warm.wasm', 'short.csv')).stderr, /first output\s+after 14 more frames/);
});

test('truth and plot keep their time, --limit works inside a gap, and reset also restarts the front end', async () => {
  const rows = there.map((i) => [i / 100, real(i), i]);
  writeFileSync(join(folder, 'truth.csv'), csv(rows, 'time_s,x,y'));
  const options = ['--columns', 'x', '--truth', 'y', '--gap', 'hold', '--rate', '100', '--json', '--plot', 'gap.svg'];
  const { code, stdout, stderr } = await runlet('tiny.wasm', 'truth.csv', ...options);
  assert.is(code, 0, stderr);
  const { summary } = linesOf(stdout).pop();
  const outputs = expected(filled('hold'));
  const known = outputs.filter((o) => !lost(o.endFrame - 1));
  const mae = known.reduce((sum, o) => sum + Math.abs((o.output[0] as number) - (o.endFrame - 1)), 0) / known.length;
  assert.is(summary.truth.outputs, known.length);
  assert.ok(Math.abs(summary.truth.mae - mae) < 1e-3 * mae);
  const limited = await runlet('tiny.wasm', 'jumps.csv', '--gap', 'hold', '--rate', '100', '--limit', '3');
  assert.is(linesOf(limited.stdout).length, 3);
  const wave = Array.from({ length: 128 }, (_, i) => [i < 64 ? i / 32 : i / 32 + 1, Math.sin(i)]);
  writeFileSync(join(folder, 'ppg.csv'), csv(wave));
  writeFileSync(join(folder, 'tail.csv'), csv(wave.slice(64)));
  const [both, tail] = [await runlet('ppg.wasm', 'ppg.csv', '--gap', 'reset'), await runlet('ppg.wasm', 'tail.csv')];
  const after = linesOf(both.stdout).filter((line) => line.originFrame === 96);
  assert.equal(after.map((line) => line.output), linesOf(tail.stdout).map((line) => line.output)); // biome-ignore format: one line
});

test('each error has its exit code and message', async () => {
  const cases: [string[], number, string][] = [
    [['plain.csv'], 4, 'RN727'],
    [['jumps.csv', '--gap', 'skip'], 2, 'RN740'],
    [['jumps.csv', '--time', 'time_s'], 2, 'RN740'],
    [['rows.csv', '--gap', 'hold'], 2, 'RN739'],
    [['jumps.csv', '--gap', 'hold', '--time', 'when', '--rate', '100'], 2, 'RN726'],
    [['two.csv', '--gap', 'hold', '--rate', '100'], 2, 'RN750'],
    [['unclear.csv', '--gap', 'hold', '--rate', '100'], 2, 'RN750'],
    [['back.csv', '--gap', 'hold', '--rate', '100'], 4, 'RN749'],
  ];
  for (const [args, code, text] of cases) {
    const result = await runlet('tiny.wasm', ...args);
    assert.is(result.code, code, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, text);
  }
  assert.is((await runlet('tiny.wasm', 'jumps.csv', '--gap', 'hold', '--time', 'none')).code, 0);
});

test('the clock counts lost frames from 1.5 periods on, in every unit, with jitter', async () => {
  const clock = new Clock('time_ms', 100);
  assert.equal(['0', '10', '25', '40.1', '40.1', '60'].map((t) => clock.before(t, false, '')), [0, 0, 0, 1, 0, 1]); // biome-ignore format: one line
  assert.is(new Clock('time (s)', 100).before('0', false, ''), 0);
  const units = [['t_ms', 20, 1], ['time (ms)', 20, 1], ['milliseconds', 20, 1], ['t', 10, 0], ['time', 0.01, 0], ['time_s', 0.02, 1], ['seconds', 0.02, 1]] as const; // biome-ignore format: one line
  for (const [name, step, want] of units) {
    const unit = new Clock(name, 100);
    unit.before('0', false, '');
    assert.is(unit.before(`${step}`, false, ''), want, name);
  }
  const missing = new Clock('time_s', 100);
  missing.before('1', false, '');
  assert.is(missing.before('', true, ''), 0);
  assert.is(missing.before('1.03', false, ''), 1, 'a lost row without a time took one period');
  assert.is(await codeOf(() => missing.before('', false, '')), 'RN749');
  assert.is(await codeOf(() => missing.before('1.02', false, '')), 'RN749');
});

test('gaps at the start, inside and at the end are found across chunk borders, and the rows before a frame are counted', async () => {
  const frames = [Number.NaN, 1, 2, Number.NaN, Number.NaN, 3, 4, Number.NaN];
  for (const size of [1, 2, 3, 8]) {
    const chunks = async function* () {
      for (let at = 0; at < frames.length; at += size) yield Float32Array.from(frames.slice(at, at + size));
    };
    const jumps = new GapList();
    jumps.add(2, 5); // between 1 and 2
    const gaps = new GapList();
    const kept: number[] = [];
    for await (const chunk of present(chunks(), 1, jumps, gaps)) kept.push(...chunk);
    assert.equal(kept, [1, 2, 3, 4]);
    assert.equal(gaps.list.map(({ at, frames }) => [at, frames]), [[0, 1], [1, 5], [2, 2], [4, 1]]); // biome-ignore format: one line
    assert.is(gaps.total, 9);
    const rows = Array.from({ length: 14 }, (_, frame) => gaps.before(frame));
    assert.equal(rows, [0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 4]);
  }
  const source = await csvSource(once(utf8('t,a,b\n0,1,2\n3,5,\n4,6,7\n')), 'x.csv', {
    frameElements: 2,
    gaps: true,
    sampleRateHz: 1,
    time: { unit: 's' },
  });
  assert.equal(await collect(source), [1, 2, 5, Number.NaN, 6, 7]);
  assert.equal(source.jumps?.list, [{ at: 1, frames: 2, earlier: 0 }]);
});

test.run();
