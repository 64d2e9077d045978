/**
 * bench --html: the page has every figure, its bars have the right lengths, it needs no other file, and it
 * fits a phone.
 *
 * Most tests read the text. The last one runs a headless browser and is skipped if there is none.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseHTML } from 'linkedom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TimesFigures, TimesRow } from '../../host/bench/times.ts';
import { benchPage } from '../../host/report/bench-html/page.ts';
import { chromiumPath } from '../browser/page.ts';
import { root } from '../shared.ts';
import { checkViews } from './page-views.ts';

const row = (target: TimesRow['target'], medianUs: number, windowUs: number): TimesRow => ({
  target,
  medianUs,
  p5Us: 0.9 * medianUs,
  p95Us: 1.1 * medianUs,
  windowUs,
  windowP5Us: windowUs,
  windowP95Us: windowUs,
  timesLess: windowUs / medianUs,
  macsPerNs: 30,
  ...(target === 'simd' && { peakMacsPerNs: 40, shareOfPeak: 0.75 }),
  gzipBytes: 5000,
  buildMs: 100,
  startMs: 2,
  codeBytes: 1000,
  fileBytes: 9000,
  weightBytes: 4000,
  tableBytes: 500,
  stateBytes: 250,
  scratchBytes: 150,
  ioBytes: 100,
  memoryBytes: 5008,
  paddingBytes: 8,
});

const model: TimesFigures = {
  network: 'a <b> network',
  window: 256,
  hop: 64,
  mode: 'stream',
  macsPerHop: 1000,
  macsPerWindow: 4000,
  rounds: 7,
  refused: [],
  rows: [row('simd', 10, 40), row('interp', 80, 160)],
};
const stateful: TimesFigures = {
  ...model,
  network: 'stateful',
  macsPerWindow: undefined,
  rows: [row('native', 20, 0)],
};

const widths = (svg: Element, fill: string) =>
  [...svg.querySelectorAll(`g[fill="${fill}"] rect, rect[fill="${fill}"]`)].map((r) => Number(r.getAttribute('width')));
const near = (a: number | undefined, b: number) => assert.ok(Math.abs((a ?? 0) - b) < 1e-6 * b, `${a} and ${b}`);

test('bars have the lengths of the figures, every figure is in the table, and names are escaped', async () => {
  const html = await benchPage([model, stateful]);
  assert.not.match(html, /(src|href)="(?!data:,")|url\(|@import|https?:\/\/(?!www\.w3\.org)/);
  const { document } = parseHTML(html);
  assert.is(document.querySelectorAll('section.model').length, 2);
  assert.is(document.querySelector('section.model h2')?.textContent, 'a <b> network, hop 64');
  const [time, window, bytes] = [...document.querySelectorAll('section.model figure svg')] as [Element, Element, Element];
  const [simd = 0, interp] = widths(time, 'var(--held)');
  near(interp, 8 * simd);
  const [whole = 0] = widths(window, 'var(--past)');
  const [quarter, half] = widths(window, 'var(--held)');
  near(quarter, whole / 4);
  near(half, whole / 2);
  assert.match(window.textContent, /4\.0 times less.*2\.0 times less/);
  const weights = widths(bytes, 'var(--held)');
  assert.is(weights.length, 2);
  near(widths(bytes, 'var(--new)')[0], (weights[0] as number) / 4);
  near(widths(bytes, 'var(--whole)')[0], (weights[0] as number) / 16);
  assert.match(bytes.textContent, /6\.0 KB/);
  const second = document.querySelectorAll('section.model')[1] as Element;
  assert.is(second.querySelectorAll('svg').length, 2);
  assert.match(second.textContent, /carries its own state/);
  const peaks = document.querySelector('.wide svg') as unknown as Element;
  near(widths(peaks, 'var(--held)')[0], 0.75 * (widths(peaks, 'var(--past)')[0] as number));
  const cells = [...document.querySelectorAll('tbody tr')].map((tr) =>
    [...tr.querySelectorAll('td')].map((td) => td.textContent),
  );
  assert.is(cells.length, 3);
  const bytesOfRow = ['1,000', '4,000', '500', '250', '5,008', '5,000'];
  const first = ['a <b> network', '64', 'simd', '10.0', '9.00', '11.0', '40.0', '4.00', '4.00', '30.00', '75 %'];
  assert.equal(cells[0], [...first, ...bytesOfRow, '2.0 ms']);
  assert.equal(cells[2]?.slice(6, 9), ['', '', '']);
});

test('a line that is far longer than all bars is cut', async () => {
  const html = await benchPage([{ ...model, rows: [{ ...row('simd', 10, 40), p95Us: 5000 }] }]);
  const { document } = parseHTML(html);
  const [bar] = widths(document.querySelector('figure svg') as unknown as Element, 'var(--held)');
  assert.ok((bar as number) > 100, `${bar} pixels`);
});

test('several models in one call are printed, in JSON and on the page, and wrong combinations are refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-bench-html-'));
  const file = join(folder, 'bench.html');
  const run = (...args: string[]) => promisify(execFile)(process.execPath, [join(root, 'host/cli/bin.js'), 'bench', ...args]);
  const options = ['--target', 'native', '--rounds', '1', '--html', file];
  const { models } = JSON.parse((await run('N1:16', 'N2', '--hop', '2', ...options, '--json')).stdout);
  assert.equal(
    models.map((m: TimesFigures) => [m.network, m.hop]),
    [['N1', 16], ['N2', 2]], // biome-ignore format: one line
  );
  assert.match(readFileSync(file, 'utf8'), /N1, hop 16[\s\S]*N2, hop 2/);
  for (const [args, says] of [
    [['N1', '--core', 'm4', '--html', file], 'without --core'],
    [['N1', '--bounds', '3'], 'only with --compare'],
    [['N1', '--core', 'm4', '--compare', file, '--bounds', '3'], 'without --core'],
  ] as const)
    try {
      await run(...args);
      assert.unreachable(args.join(' '));
    } catch (error) {
      assert.is((error as { code: number }).code, 2);
      assert.match((error as { stderr: string }).stderr, says);
    }
  rmSync(folder, { recursive: true });
});

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
(chromiumPath ? test : test.skip)(
  'on a phone and a desktop, light and dark, nothing is wider than the page and no text is cut',
  async () => {
    const page = await benchPage([model, stateful]);
    await checkViews('bench', page);
    await checkViews('bench', page, [
      [360, 'light'],
      [820, 'dark'],
    ]);
  },
);

test.run();
