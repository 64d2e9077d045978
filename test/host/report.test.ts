/**
 * Reports: envelopes keep extremes, sparklines and tables are aligned, statistics are right, and plots are
 * complete SVG documents.
 */
import { parseHTML } from 'linkedom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesText } from '../../host/bytes-text.ts';
import { envelope } from '../../host/report/envelope.ts';
import { plotRun } from '../../host/report/plot.ts';
import { braillePlot, sparkline } from '../../host/report/sparkline.ts';
import { table } from '../../host/report/table.ts';
import { accuracy, argmax, meanAbsoluteError, quantile, truthIn } from '../../host/statistics.ts';

test('an envelope keeps every extreme', () => {
  const values = Float64Array.from({ length: 1000 }, (_, i) => Math.sin(i));
  values[777] = 9;
  values[333] = -9;
  const { low, high, starts } = envelope(values, 17);
  assert.is(starts.length, 17);
  assert.is(Math.max(...high), 9);
  assert.is(Math.min(...low), -9);
  assert.equal([...envelope([3, Number.NaN], 2).low], [3, Number.NaN]);
});

test('sparklines and braille show the values', () => {
  assert.is(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8), '▁▂▃▄▅▆▇█');
  assert.is(sparkline([1, Number.NaN, 1], 8), '▅ ▅');
  assert.is(sparkline([], 8), '');
  const lines = braillePlot([0, 1], { columns: 4, rows: 2, unit: 'V' });
  assert.equal(lines, ['1 V │⠀⠀⡏⠉', '  0 │⣀⣀⠇⠀']);
  for (const length of [1, 5, 1000]) {
    const plot = braillePlot(Array.from({ length }, Math.random), { columns: 30, rows: 3 });
    assert.is(new Set(plot.map((line) => line.length)).size, 1);
  }
});

test('the truth of a window is the class of most frames, the middle, the end or the mean', () => {
  const values = [9, 1, 1, 1, 2, Number.NaN, 3, 3, 9];
  assert.is(truthIn(values, 1, 8, 'majority'), 1);
  assert.is(truthIn(values, 1, 8, 'middle'), 2);
  assert.is(truthIn(values, 1, 8, 'end'), 3);
  assert.is(truthIn(values, 1, 8, 'mean'), (1 + 1 + 1 + 2 + 3 + 3) / 6);
  assert.is(truthIn([2, 2, 1], 0, 3, 'majority'), 2, 'not the one that comes last');
  for (const at of ['majority', 'middle', 'end', 'mean'] as const) assert.ok(Number.isNaN(truthIn([Number.NaN], 0, 1, at)), at);
});

test('a classifier has strips of truth and answers: a rectangle per run of a class, and gaps where nothing is known', async () => {
  const svg = await plotRun({
    title: 'x',
    input: [{ name: 'a', values: [0, 1, 2, 3, 4, 5] }],
    outputs: ['rest', 'walk'].map((name, i) => ({ name, values: [i, 0, 1, 0, 1, 1] })),
    classes: [{ name: 'truth', values: [0, 0, 1, 1, Number.NaN, 0] }, { name: 'answer', values: [0, 1, 1, 1, 1, 1] }], // biome-ignore format: one line
    times: [0, 1, 2, 3, 4, 5],
  });
  const strips = [...svg.matchAll(/>(truth|answer)<\/text>((?:<rect [^>]*>)+)/g)];
  assert.equal(
    strips.map(([, name, rects = '']) => [name, rects.split('<rect').length - 1]),
    [
      ['truth', 3],
      ['answer', 2],
    ],
  );
  const colours = strips.map(([, , rects = '']) => [...rects.matchAll(/fill="([^"]+)"/g)].map((m) => m[1]));
  assert.is(colours[0]?.[1], colours[1]?.[1], 'one class has one colour');
  assert.is.not(colours[0]?.[0], colours[0]?.[1]);
});

test('quantiles and other statistics are right', () => {
  assert.is(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.is(quantile([1, 2, 3], 1), 3);
  assert.equal(meanAbsoluteError([1, 2, 3], [2, Number.NaN, 5]), { mae: 1.5, count: 2 });
  assert.is(meanAbsoluteError([1], [Number.NaN]), undefined);
  assert.equal(accuracy([1, 2, 3], [1, 0, Number.NaN]), { accuracy: 0.5, count: 2 });
  assert.is(argmax([1, 3, 3]), 1);
});

test('a table is aligned, without borders, and coloured only on request', () => {
  const text = table([['a', 5], ['bb', 1234.5678]], { head: ['name', 'count'], indent: 2 }); // biome-ignore format: one line
  assert.is(text, '  name  count\n  a         5\n  bb     1235');
  assert.equal([999, 48_300, 2_500_000].map(bytesText), ['999 B', '48.3 KB', '2.50 MB']);
});

test('a plot has titles, units and a legend, is decimated, and escapes names', async () => {
  const values = Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 100));
  const times = Array.from({ length: 100 }, (_, i) => 8 + i * 30);
  const classes = Array.from({ length: 9 }, (_, c) => ({ name: `class ${c}`, values: times.map((t) => Math.cos(t + c)) }));
  const one = { title: '<b> & "c"', input: [{ name: 'x', values }], inputRateHz: 32, times, unit: 'bpm' };
  const svg = await plotRun({ ...one, outputs: classes.slice(0, 1), truth: { name: 'truth', values: times } });
  const { document } = parseHTML(`<html><body>${svg}</body></html>`);
  const text = document.querySelector('svg')?.textContent ?? '';
  for (const part of ['<b> & "c"', 'input: x', 'output (bpm)', 'time (s)', 'class 0', 'truth'])
    assert.ok(text.includes(part), part);
  assert.ok(svg.length < 200_000, `${svg.length} bytes`);
  assert.ok(svg.includes('width="900"'));
  assert.match(await plotRun({ ...one, inputRateHz: undefined, outputs: classes }), 'the 6 highest of 9');
  assert.match(await plotRun({ ...one, outputs: [{ name: 'none', values: [] }], times: [] }), 'output: none');
});

test.run();
