/**
 * quantize --report: the page has every layer and figure, and the worst layers come first with advice. It
 * needs no other file, and it fits a phone.
 *
 * Most tests read the text. The last one runs a headless browser and is skipped if there is none.
 */

import { parseHTML } from 'linkedom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { quantPage } from '../../host/report/quant-html/page.ts';
import { planStream } from '../../models/stream/plan.ts';
import { adviceFor } from '../../quant/diagnose/advice.ts';
import { diagnose, worstLayers } from '../../quant/diagnose/diagnose.ts';
import { compareForms } from '../../quant/evaluate/compare-forms.ts';
import type { Labels } from '../../quant/evaluate/labels.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { chromiumPath } from '../browser/page.ts';
import { channels, classifier, noise, window } from '../quant/small-classifier.ts';
import { checkViews } from './page-views.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const graph = { ...classifier(seed, { metadata: { 'runlet.labels': 'rest <b>,walk,run' } }), name: 'a <b> network' };
const signal = noise(seed, 16 * 40);
const options = { hop: 4 };
const { float, graph: int8, methods } = quantize(graph, signal, { ...options, preset: 'fast', noReport: true });
const diagnosis = diagnose(planStream(float, options), quantPlan(planStream(int8, options)), signal);
const count = (signal.length / channels - window) / options.hop + 1;
const labels: Labels = {
  kind: 'classes',
  values: Array.from({ length: count }, (_, n) => n % 3),
  names: ['rest <b>', 'walk', 'run'],
};
const evaluation = compareForms(planStream(graph, options), quantPlan(planStream(int8, options)), signal, labels);
const html = await quantPage({ name: graph.name, diagnosis, methods, evaluation });

test('every layer is in the table with its histogram, the worst come first with advice, and names are escaped', () => {
  assert.not.match(html, /(src|href)="(?!data:,")|url\(|@import|https?:\/\/(?!www\.w3\.org)/);
  const { document } = parseHTML(html);
  assert.is(document.querySelector('h1')?.textContent, 'a <b> network: what int8 costs');
  const rows = [...document.querySelectorAll('section:last-of-type tbody tr')].map((tr) => [...tr.querySelectorAll('td')].map((td) => td.textContent)); // biome-ignore format: one line
  assert.equal(
    rows.map((r) => [r[1], r[8], r[9]]),
    diagnosis.layers.map((l) => [l.name, l.aloneDb.toFixed(1), l.int8WindowedDb.toFixed(1)]),
  );
  assert.is(document.querySelectorAll('.small svg').length, diagnosis.layers.length);
  const worst = worstLayers(diagnosis);
  const cards = [...document.querySelectorAll('.worst article')];
  assert.equal(cards.map((c) => c.querySelector('h3')?.textContent), worst.map((l) => `${l.name} ${l.op}`)); // biome-ignore format: one line
  assert.equal(
    cards.map((c) => [...c.querySelectorAll('code')].map((o) => o.textContent)),
    worst.map((l) => adviceFor(l, methods, diagnosis).flatMap((a) => a.option || [])),
  );
  const confusion = evaluation.forms.at(-1)?.classes?.confusion ?? [];
  const shown = [...document.querySelectorAll('.confusion tbody tr')].map((tr) => [...tr.querySelectorAll('td')].map((td) => td.textContent)); // biome-ignore format: one line
  assert.equal(shown.map((r) => r.slice(0, 4)), confusion.map((row, i) => [labels.names[i], ...row.map((n) => (n > 0 ? String(n) : ''))])); // biome-ignore format: one line
});

test('the height of a histogram is the logarithm of its counts, and its width is the range of its values', () => {
  const { document } = parseHTML(html);
  const [figure] = [...document.querySelectorAll('.small svg')] as [Element];
  const h = diagnosis.layers[0]?.histogram as (typeof diagnosis.layers)[number]['histogram'];
  const line = figure.querySelector('[stroke="var(--new)"] path, path[stroke="var(--new)"]')?.getAttribute('d') ?? '';
  const points = [...line.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
  // 84 pixels high: 4 free at the top, 20 for the axis at the bottom
  const [floor, top] = [64, 4];
  const highest = Math.log10(1 + Math.max(...h.int8, ...h.float));
  const inside = h.int8.slice(8, -8);
  assert.is(points.length, 2 * inside.length);
  for (const [i, n] of inside.entries()) {
    const share = (floor - (points[2 * i]?.[1] ?? 0)) / (floor - top);
    assert.ok(Math.abs(share - Math.log10(1 + n) / highest) < 0.01, `bin ${i}: ${share}, ${n} values`);
  }
});

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
(chromiumPath ? test : test.skip)(
  'on a phone and a desktop, light and dark, nothing is wider than the page and no text is cut',
  async () => {
    await checkViews('quantisation', html);
    await checkViews('quantisation', html, [
      [360, 'light'],
      [820, 'dark'],
    ]);
  },
);

test.run();
