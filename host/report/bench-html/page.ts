/**
 * The page of a benchmark: figures first, then a table of all values.
 *
 * In: results of `runlet bench` for one or several models.  Out: HTML without script or external resources;
 * it includes bench.css from this folder and the style of a plan's page.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { TimesFigures } from '../../bench/times.ts';
import { pageHtml, tableHtml } from '../design/page.ts';
import { escaped, number } from '../design/text.ts';
import { type Figures, figures, parts, usText } from './figure.ts';

const css = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Describes this machine. */
const machine = (): string => {
  const all = cpus();
  return `Node ${process.version}, V8 ${process.versions.v8.split('-')[0]}, ${process.platform} ${process.arch}, ${all.length} × ${all[0]?.model ?? 'unknown processor'}`;
};

const figure = (title: string, svg: string): string => `<figure><figcaption>${title}</figcaption>${svg}</figure>`;

function modelHtml(model: TimesFigures, draw: Figures): string {
  const { network, window, hop, mode, macsPerHop, macsPerWindow } = model;
  const ratio = macsPerWindow ? `, ${(macsPerWindow / macsPerHop).toFixed(2)} times fewer than the window` : '';
  const windowPart = macsPerWindow
    ? draw.window(model)
    : '<p class="note">This model carries its own state, so there is no window to compare with.</p>';
  return [
    `<section class="model"><h2>${escaped(network)}, hop ${number(hop)}</h2>`,
    `<p class="note">window ${number(window)}, ${escaped(mode)}: ${number(macsPerHop)} multiply-adds per hop${ratio}</p>`,
    '<div class="three">',
    figure('time of a hop', draw.time(model)),
    figure('a hop compared with its window', windowPart),
    figure('memory and code', draw.bytes(model)),
    '</div></section>',
  ].join('\n');
}

const head = [
  ...['model', 'hop', 'target', 'us a hop', '5 %', '95 %', 'us a window', 'times less', 'in MACs', 'MACs/ns', 'of peak'],
  ...['code', 'weights', 'tables', 'state', 'memory', 'file, gz', 'first output'],
];

function figuresTable(models: TimesFigures[]): string {
  const rows = models.flatMap(({ network, hop, macsPerHop, macsPerWindow, rows: all }) =>
    all.map((r) => [
      escaped(network),
      number(hop),
      r.target,
      usText(r.medianUs),
      usText(r.p5Us),
      usText(r.p95Us),
      r.windowUs ? usText(r.windowUs) : '',
      r.windowUs ? r.timesLess.toFixed(2) : '',
      macsPerWindow ? (macsPerWindow / macsPerHop).toFixed(2) : '',
      r.macsPerNs.toFixed(2),
      r.shareOfPeak === undefined ? '' : `${Math.round(100 * r.shareOfPeak)} %`,
      ...[r.codeBytes, r.weightBytes, r.tableBytes, r.stateBytes, r.memoryBytes, r.gzipBytes].map(number),
      `${r.startMs.toFixed(1)} ms`,
    ]),
  );
  return tableHtml(head, rows, { label: 'Every figure', numeric: (i) => i !== 0 && i !== 2 });
}

/** Makes the page. */
export async function benchPage(models: TimesFigures[]): Promise<string> {
  const draw = await figures();
  const key = (colour: string, text: string) => `<li><i style="background: ${colour}"></i>${text}</li>`;
  const legend = [
    '<ul class="keys"><li><b>time</b> bar: median, line: 5 % to 95 %</li>',
    '<li><b>window</b> pale bar: the whole window, mark: the hop’s share of multiply-adds</li></ul>',
    `<ul class="keys"><li><b>bytes</b></li>${parts.map(({ name, colour }) => key(colour, name)).join('')}</ul>`,
  ].join('');
  const withPeak = models.filter(({ rows }) => rows.some(({ peakMacsPerNs }) => peakMacsPerNs));
  const peak =
    withPeak.length > 0
      ? [
          '<section><h2>Share of the peak</h2>',
          '<p class="note">The peak is measured in the same run: only the inner loop of the target (simd, relaxed), on data in the first-level cache.</p>',
          `<div class="wide">${draw.peak(withPeak, 1000)}</div><div class="slim">${draw.peak(withPeak, 358)}</div></section>`,
        ]
      : [];
  const rounds = [...new Set(models.map((m) => m.rounds))].join(', ');
  const body = [
    '<main>',
    `<header><h1>What a hop costs</h1><p>${escaped(machine())}. Medians of ${rounds} rounds, run in turn. Times are of this machine; bytes are the same everywhere.</p></header>`,
    legend,
    ...models.map((model) => modelHtml(model, draw)),
    ...peak,
    `<section><h2>Every figure</h2>${figuresTable(models)}</section>`,
    '</main>',
  ].join('\n');
  const names = [...new Set(models.map((m) => m.network))].join(', ');
  return pageHtml(`${names}: what a hop costs`, css('../plan-html/page.css') + css('./bench.css'), body);
}
