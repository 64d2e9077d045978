/**
 * Placements of the downsampling as a page, or as an SVG file.
 *
 * In: Placements.  Out: HTML or SVG text without script or external resources. Each dot is a placement: its
 * work and its state. The line is the Pareto front, the large dot the model as it is.
 */
import { readFileSync } from 'node:fs';
import type { PlacementRow, Placements } from '../../../models/report/placements.ts';
import { type Drawing, drawing } from '../design/draw.ts';
import { pageHtml, tableHtml } from '../design/page.ts';
import { standalone } from '../design/palette.ts';
import { escaped, number } from '../design/text.ts';
import { placementCells, placementHead, placementNotes, shownPlacements, stridesText } from '../placement-table.ts';

const css = readFileSync(new URL('./page.css', import.meta.url), 'utf8');
/** One figure for a desktop, one for a phone. */
const widths =
  '.slim { display: none } .wide svg, .slim svg { display: block; width: 100%; height: auto; color: var(--ink) } @media (max-width: 720px) { .wide { display: none } .slim { display: block } }';

function figure({ Plot, draw }: Drawing, { rows }: Placements, width: number): string {
  const good = rows.filter((r) => r.good);
  const others = rows.filter((r) => !r.good && !r.given);
  const given = rows.filter((r) => r.given);
  const at = { x: 'macsPerHop', y: 'stateBytes' } as const;
  const title = (r: PlacementRow) => `${stridesText(r)}: ${number(r.macsPerHop)} MACs per hop, ${number(r.stateBytes)} bytes`;
  return draw('Work and state of each placement', {
    width,
    height: width < 500 ? 260 : 380,
    marginLeft: 64,
    marginBottom: 40,
    x: { label: 'MACs per hop', grid: true, nice: true, ticks: width < 500 ? 4 : 8, tickFormat: '~s' },
    y: { label: 'state, bytes', grid: true, nice: true },
    color: { type: 'identity' },
    marks: [
      Plot.line(good, { ...at, stroke: 'var(--held)', strokeWidth: 1.2 }),
      Plot.dot(others, { ...at, r: 2.5, fill: 'var(--past)', stroke: 'var(--soft)', strokeWidth: 0.6, title }),
      Plot.dot(good, { ...at, r: 4, fill: 'var(--held)', title }),
      Plot.dot(given, { ...at, r: 6, stroke: 'var(--accent)', strokeWidth: 2, title }),
    ],
  });
}

const legend: [colour: string, text: string][] = [
  ['var(--accent)', 'the model'],
  ['var(--held)', 'good placements'],
  ['var(--soft)', 'other placements'],
];

/** Makes an SVG file with background, light and dark colours, title and legend. */
export async function placementFile(found: Placements, title: string): Promise<string> {
  const [width, top] = [900, 64];
  const svg = figure(await drawing(), found, width);
  const height = top + Number(/height="(\d+)"/.exec(svg)?.[1] ?? 0);
  const keys = legend.map(
    ([colour, text], i) =>
      `<circle cx="${70 + 170 * i}" cy="44" r="4" fill="${colour}"/><text x="${82 + 170 * i}" y="48">${text}</text>`,
  );
  return standalone(
    [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="currentColor">`,
      `<rect width="${width}" height="${height}" fill="var(--paper)"/>`,
      `<text x="64" y="26" font-size="17" font-weight="600">${escaped(title)}</text>${keys.join('')}`,
      `<g transform="translate(0 ${top})">${svg}</g></svg>\n`,
    ].join(''),
  );
}

/** Makes the page. */
export async function placementPage(found: Placements, title: string): Promise<string> {
  const loaded = await drawing();
  const cells = shownPlacements(found).map((row) =>
    placementCells(row).map((cell) => (typeof cell === 'number' ? number(cell) : escaped(cell))),
  );
  const table = tableHtml(placementHead, cells, { label: 'Good placements', numeric: (i) => i > 1, classes: 'small' });
  const keys = legend.map(
    ([colour, text]) =>
      `<li><svg class="key" width="14" height="14"><circle cx="7" cy="7" r="4" fill="${colour}"/></svg>${text}</li>`,
  );
  const note = `${number(found.rows.length)} placements of the downsampling. Each dot is a plan at hop ${found.hop}.`;
  return pageHtml(
    title,
    css + widths,
    [
      '<main>',
      `<header><h1>${escaped(title)}</h1><p>${note}</p></header>`,
      `<div class="legend flat"><ul>${keys.join('')}</ul></div>`,
      `<div class="wide">${figure(loaded, found, 1000)}</div><div class="slim">${figure(loaded, found, 358)}</div>`,
      `<section><h2>Good placements</h2>${placementNotes(found)
        .map((line) => `<p class="note">${escaped(line)}.</p>`)
        .join('')}${table}</section>`,
      '</main>',
    ].join('\n'),
  );
}
