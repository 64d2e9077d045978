/**
 * The plot of models/zoo/pool-search: accuracy of each placement against its multiply-adds per hop.
 *
 * In: rows of the table.  Out: SVG text; it follows the reader's light or dark colour scheme. A dot is the
 * mean of the seeds, its line goes from the lowest to the highest.
 */

import { drawing } from '../../host/report/design/draw.ts';
import { colour, standalone } from '../../host/report/design/palette.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import { type Row, stridesText } from './page.ts';
import { mean } from './ranking.ts';

const [width, height, top] = [900, 420, 72];
const [accent, held, soft] = [colour('accent'), colour('held'), colour('soft')];

export async function poolsPlot(rows: Row[]): Promise<string> {
  const { Plot, draw } = await drawing();
  const points = rows.map((row) => ({
    x: row.placement.macsPerHop,
    y: mean(row.trained),
    low: minOf(row.trained),
    high: maxOf(row.trained),
    text: stridesText(row.placement),
    good: row.good,
    given: row.placement.given,
  }));
  const good = points.filter((p) => p.good);
  const at = { x: 'x', y: 'y' } as const;
  const label = { ...at, text: 'text', textAnchor: 'start', dx: 8 } as const;
  const svg = draw('Accuracy and multiply-adds of each placement', {
    width,
    height,
    marginLeft: 56,
    marginRight: 64,
    marginBottom: 44,
    x: { label: 'multiply-adds per hop', tickFormat: '~s', inset: 12 },
    y: { label: 'accuracy, %', grid: true, nice: true },
    marks: [
      Plot.ruleX(points, { x: 'x', y1: 'low', y2: 'high', stroke: soft, strokeWidth: 1 }),
      Plot.line(good, { ...at, stroke: held, strokeWidth: 1.4 }),
      Plot.dot(points, { ...at, r: 3.5, fill: (p: (typeof points)[number]) => (p.good ? held : soft) }),
      Plot.dot(
        points.filter((p) => p.given),
        { ...at, r: 7, stroke: accent, strokeWidth: 2 },
      ),
      Plot.text(points, { ...label, fill: colour('ink'), stroke: colour('paper'), strokeWidth: 3 }),
    ],
  });
  const keys: [x: number, fill: string, text: string][] = [
    [62, accent, 'the strides of the shipped model'],
    [290, held, 'Pareto front'],
    [400, soft, 'other placements; lines: lowest to highest seed'],
  ];
  const legend = keys.map(
    ([x, fill, text]) => `<circle cx="${x}" cy="48" r="4" fill="${fill}"/><text x="${x + 12}" y="52">${text}</text>`,
  );
  return standalone(
    [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top + height}" width="${width}" height="${top + height}" font-family="system-ui, sans-serif" font-size="12" fill="currentColor">`,
      `<rect width="100%" height="100%" fill="${colour('paper')}"/>`,
      `<text x="56" y="28" font-size="17" font-weight="600">har, watch: strides of the four convolutions, trained one at a time</text>${legend.join('')}`,
      `<g transform="translate(0 ${top})">${svg}</g></svg>\n`,
    ].join('\n'),
  );
}
