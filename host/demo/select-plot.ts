/**
 * The plot of `npm run eval:select`: for each stream a panel with mistakes found by labels asked.
 *
 * In: trials by stream.  Out: SVG text; it follows the reader's light or dark colour scheme. The band is the
 * range of the seeds, the solid line their mean, the dashed line the random baseline. Dots are what the
 * policy of a gateway found.
 */
import { maxOf, minOf } from '../../models/lists.ts';
import { drawing } from '../report/design/draw.ts';
import { colour, standalone } from '../report/design/palette.ts';
import { escaped } from '../report/design/text.ts';
import type { Trial } from './select-trials.ts';

const [width, height] = [300, 280];
const ink = colour('ink');

export async function selectPlot(
  streams: readonly { name: string; trials: readonly Trial[] }[],
  budget: number,
): Promise<string> {
  const { Plot, draw } = await drawing();
  const highest = maxOf(streams.flatMap(({ trials }) => trials.flatMap((t) => t.curve)));
  const panels = streams.map(({ name, trials }, i) => {
    const labels = (trials[0] as Trial).curve.map((_, k) => {
      const found = trials.map((t) => t.curve[k] as number);
      const mean = found.reduce((a, b) => a + b, 0) / found.length;
      const random = trials.reduce((sum, t) => sum + (t.random * k) / budget, 0) / trials.length;
      return { k, low: minOf(found), high: maxOf(found), mean, random };
    });
    const dots = trials.map(({ spent, found }) => ({ k: spent, found: found.online }));
    const svg = draw(`mistakes found on ${name}`, {
      width,
      height,
      marginLeft: 40,
      marginTop: 40,
      x: { label: 'labels', ticks: 5 },
      y: { label: null, domain: [0, highest], grid: true, ticks: 6 },
      marks: [
        Plot.areaY(labels, { x: 'k', y1: 'low', y2: 'high', fill: colour('series-0'), fillOpacity: 0.2 }),
        Plot.lineY(labels, { x: 'k', y: 'mean', stroke: colour('series-0'), strokeWidth: 1.75 }),
        Plot.lineY(labels, { x: 'k', y: 'random', stroke: ink, strokeDasharray: '5 3' }),
        Plot.dot(dots, { x: 'k', y: 'found', r: 2.5, fill: colour('series-1') }),
      ],
    });
    const title = `<text x="${i * width + 12}" y="52" font-size="13" font-weight="600" fill="${ink}">${escaped(name)}</text>`;
    return `${title}<g transform="translate(${i * width} 40)">${svg}</g>`;
  });
  const whole = [width * streams.length, height + 44];
  const caption = 'mistakes found: uncertain (line, band of the seeds), at random (dashed), by the policy of a gateway (dots)';
  return standalone(
    [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole[0]} ${whole[1]}" width="${whole[0]}" height="${whole[1]}"`,
      ` font-family="system-ui, sans-serif"><rect width="${whole[0]}" height="${whole[1]}" fill="${colour('paper')}"/>`,
      `<text x="12" y="26" font-size="14" fill="${ink}">${escaped(caption)}</text>`,
      ...panels,
      '</svg>\n',
    ].join(''),
  );
}
