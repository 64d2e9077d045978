/**
 * A sweep as a page, or as an SVG file.
 *
 * In: a Sweep.  Out: HTML or SVG text without external resources; it includes page.css, sweep.css and
 * sweep-script.js from this folder.
 */
import { readFileSync } from 'node:fs';
import { dataScript, pageHtml, tableHtml } from '../design/page.ts';
import { standalone } from '../design/palette.ts';
import { escaped, number, plain } from '../design/text.ts';
import { goodOnes } from '../sweep-table.ts';
import { panelsOf, type SweepView, sweepLegend, sweepSvg } from './sweep-figure.ts';

const fileText = (name: string): string => readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');

const key = (classes: string): string =>
  classes === 'line' ? '<path class="mark" d="M7 0v14"/>' : `<path class="dot ${classes}" d="M7 7h0"/>`;

/** Makes an SVG file with background, light and dark colours, and legend. */
export function sweepFile(view: SweepView, title: string): string {
  const svg = sweepSvg(view, 900);
  const [, open = '', height = '0'] = /^(<svg[^>]*?height="(\d+)"[^>]*>)/.exec(svg) ?? [];
  let [x, y] = [64, 36];
  const legend = sweepLegend(view).map(({ classes, text }) => {
    const length = 44 + 6.6 * text.length;
    if (x > 64 && x + length > 880) [x, y] = [64, y + 20];
    const entry = `<g transform="translate(${x} ${y})">${key(classes)}<text x="20" y="11">${escaped(text)}</text></g>`;
    x += length;
    return entry;
  });
  const top = y + 30;
  const all = Number(height) + top;
  const frame = open.replace(/height="\d+"/, `height="${all}"`).replace(/viewBox="[^"]*"/, `viewBox="0 0 900 ${all}"`);
  const whole = [
    `${frame}<rect width="900" height="${all}" fill="var(--paper)"/>`,
    `<text x="64" y="26" style="font-size: 17px; font-weight: 600">${escaped(title)}</text><g class="key">${legend.join('')}</g>`,
    `<g transform="translate(0 ${top})">${svg.slice(open.length)}`.replace(/<\/svg>\s*$/, '</g></svg>\n'),
  ];
  return standalone(whole.join('\n'), fileText('sweep.css'));
}

/** Makes the page of a sweep. */
export function sweepPage(view: SweepView, title: string, note: string): string {
  const { sweep, over } = view;
  const legend = sweepLegend(view).map(
    ({ classes, text }) => `<li><svg class="key" width="14" height="14">${key(classes)}</svg>${escaped(text)}</li>`,
  );
  const rows = sweep.rows.map((r) => ({
    at: r[over],
    text: `${over} ${number(r[over])}, ${r.mode}${r.free && over === 'hop' && sweep.totalStride > 1 ? ', multiple of the stride' : ''}`,
    values: panelsOf(view).map((p) => `${number(p.of(r))} ${p.title}`),
  }));
  const { rows: best, note: good } = goodOnes(sweep, over);
  const star = over === 'hop' && sweep.totalStride > 1 ? ` * is a multiple of the total stride ${sweep.totalStride}.` : '';
  const body = best.map((r) => [
    `${number(r[over])}${r.free && star ? '*' : ''}`,
    r.mode,
    number(r.macsPerHop),
    number(r.macsPerFrame),
    plain(Number((r.macsPerWindow / r.macsPerHop).toFixed(2))),
    number(r.stateBytes),
    number(r.delayFrames),
    r.equals,
  ]);
  const head = [over, 'mode', 'MACs/hop', 'MACs/frame', 'times less', 'state B', 'delay', 'equals'];
  const table = tableHtml(head, body, { label: `Good ${over}s`, numeric: (i) => i !== 1 && i !== 7, classes: 'small' });
  return pageHtml(
    title,
    fileText('page.css') + fileText('sweep.css'),
    [
      '<main>',
      `<header><h1>${escaped(title)}</h1><p>${escaped(note)}</p></header>`,
      `<div class="legend flat"><ul>${legend.join('')}</ul></div>`,
      `<div class="figure">${sweepSvg(view, 1000)}${sweepSvg(view, 358)}<div class="tip" role="status" hidden></div></div>`,
      `<section><h2>Good ${over}s</h2><p class="note">${escaped(good)}.${star}</p>${table}</section>`,
      '</main>',
      dataScript('sweep', rows),
    ].join('\n'),
    fileText('sweep-script.js'),
  );
}
