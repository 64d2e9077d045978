/**
 * Which columns of a CSV file make a frame: chosen by the user, by the model, or by their content; the rate
 * of a time column; the truth.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { csvSource } from '../../host/sources/csv.ts';
import type { SourceOptions } from '../../host/sources/source.ts';

const text = (lines: string[]): AsyncIterable<Uint8Array> =>
  (async function* () {
    yield new TextEncoder().encode(`${lines.join('\n')}\n`);
  })();
const open = (lines: string[], options: Omit<SourceOptions, 'frameElements'>, frameElements = 2) =>
  csvSource(text(lines), 'x.csv', { frameElements, ...options });
const rows = (head: string, row: (n: number) => string, count = 5) => [head, ...Array.from({ length: count }, (_, n) => row(n))];

async function frames(source: Awaited<ReturnType<typeof csvSource>>): Promise<number[]> {
  const all: number[] = [];
  for await (const chunk of source.frames) all.push(...chunk);
  return all;
}

const codeOf = async (run: () => Promise<unknown>): Promise<string> => {
  try {
    await run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

test('time, text and truth columns are not part of a frame', async () => {
  const lines = rows('time_s,ax,ay,person,activity', (n) => `${n / 50},${n},${-n},anna,walk`);
  const source = await open(lines, {});
  assert.equal(source.names, ['ax', 'ay']);
  assert.is(source.sampleRateHz, 50);
  assert.equal((await frames(source)).slice(0, 4), [0, 0, 1, -1]);
  assert.is(source.truth, undefined, 'nobody asked for it');
  const numbered = await open(rows('p,q,label', (n) => `${n},${-n},${n % 3}`), {}); // biome-ignore format: one line
  assert.equal(numbered.names, ['p', 'q'], 'a truth that is a number');
});

test('columns that the user names have priority, then those that the model names', async () => {
  const lines = rows('b,extra,a', (n) => `${n},7,${10 * n}`);
  assert.equal((await open(lines, { known: ['a', 'b'] })).names, ['a', 'b']);
  assert.equal((await open(lines, { known: ['a', 'b'], columns: ['extra', '0'] })).names, ['extra', 'b']);
  // a header without the model's names does not refuse columns of the right number
  assert.equal((await open(rows('p,q', (n) => `${n},1`), { known: ['a', 'b'] })).names, ['p', 'q']); // biome-ignore format: one line
  assert.is(await codeOf(() => open(lines, {})), 'RN722');
  assert.is(await codeOf(() => open(lines, { columns: ['a', 'c'] })), 'RN726');
});

test('if there are too many number columns, those with related names are taken, or none', async () => {
  const imu = rows('ax,ay,az,temperature,gx,gy,gz', () => '1,2,3,20,4,5,6');
  assert.equal((await open(imu, {}, 6)).names, ['ax', 'ay', 'az', 'gx', 'gy', 'gz']);
  assert.is(await codeOf(() => open(imu, {}, 5)), 'RN722');
  assert.equal((await open(rows('ch1,ch2,battery', () => '1,2,3'), {})).names, ['ch1', 'ch2']); // biome-ignore format: one line
  assert.is(
    await codeOf(() =>
      open(
        rows('one,two,three', () => '1,2,3'),
        {},
      ),
    ),
    'RN722',
  );
});

test('a time column gives the rate, in seconds or milliseconds, and a row number gives none', async () => {
  const rate = async (head: string, step: number) =>
    (
      await open(
        rows(`${head},a,b`, (n) => `${n * step},1,2`),
        {},
      )
    ).sampleRateHz;
  assert.is(await rate('time', 0.01), 100);
  assert.is(await rate('t', 20), 50);
  assert.is(await rate('time_ms', 0.5), 2000);
  assert.is(await rate('timestamp', 0.0100003), 100);
  assert.is(await rate('t', 1), undefined);
  assert.is(await rate('t', 0), undefined);
  const jitter = [0, 0.019, 0.0405, 0.0601, 0.08];
  const source = await open(rows('t,a,b', (n) => `${jitter[n]},1,2`), {}); // biome-ignore format: one line
  assert.is(source.sampleRateHz, 50);
});

test('a time column that contradicts the model is refused', async () => {
  const lines = rows('time_s,a,b', (n) => `${n / 50},1,2`);
  const source = await open(lines, { sampleRateHz: 100, checkTime: true });
  assert.is(await codeOf(() => frames(source)), 'RN723');
});

test('the truth is the column of that name, else the only text column, and its names get indexes in their order', async () => {
  const named = await open(
    rows('a,b,label', (n) => `1,2,${n % 2}`),
    { guessTruth: true },
  );
  await frames(named);
  assert.is(named.truthName, 'label');
  assert.equal([...(named.truth?.view() ?? [])], [0, 1, 0, 1, 0]);
  const withTruth = await open(
    rows('a,b,what', (n) => `1,2,${['sit', 'run', '', 'sit', 'run'][n]}`),
    { guessTruth: true },
  );
  await frames(withTruth);
  assert.is(withTruth.truthName, 'what');
  assert.equal(withTruth.truthNames, ['sit', 'run']);
  assert.equal([...(withTruth.truth?.view() ?? [])], [0, 1, Number.NaN, 0, 1]);
  const two = await open(
    rows('a,b,what,who', () => '1,2,sit,anna'),
    { guessTruth: true },
  );
  assert.is(two.truthName, undefined, 'two columns of text');
  const known = await open(
    rows('a,b,what', () => '1,2,fly'),
    { truth: 'what', labels: ['sit', 'run'] },
  );
  await frames(known);
  assert.equal([...(known.truth?.view() ?? [])].map(Number.isNaN), [true, true, true, true, true]);
});

test.run();
