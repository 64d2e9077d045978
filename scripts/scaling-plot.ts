/**
 * The plot of `npm run scaling`: for each quantity a panel with measured times, and times in proportion to
 * the multiply-adds. Both axes are logarithmic.
 *
 * In: times and multiply-adds.  Out: SVG text; it follows the reader's light or dark colour scheme.
 */
import { drawing } from '../host/report/design/draw.ts';
import { colour, standalone } from '../host/report/design/palette.ts';

export interface Line {
  quantity: string;
  points: { value: number; macs: number; us: number }[];
  /** Fitted exponents of time and work. */
  time: number;
  work: number;
}

const width = 230;
const [timeColour, workColour] = [colour('series-1'), colour('series-0')];

export async function scalingPlot(lines: Line[], target: string): Promise<string> {
  const { Plot: plot, draw } = await drawing();
  const longest = Math.max(...lines.flatMap(({ points }) => points.map((p) => p.us)));
  const shortest = Math.min(...lines.flatMap(({ points }) => points.map((p) => p.us)));
  const panels = lines.map(({ quantity, points, time, work }, i) => {
    // the proportional line uses the median ratio of time to multiply-adds
    const ratios = points.map((p) => p.us / p.macs).sort((a, b) => a - b);
    const scale = ratios[ratios.length >> 1] as number;
    const law = points.map((p) => ({ value: p.value, us: scale * p.macs }));
    const svg = draw(`time and work by ${quantity}`, {
      width,
      height: 250,
      marginLeft: 44,
      marginTop: 46,
      style: { fontFamily: 'sans-serif', fontSize: '11px' },
      x: { type: 'log', label: quantity, ticks: points.map((p) => p.value), tickFormat: (v: number) => `${v}` },
      y: { type: 'log', label: null, domain: [shortest / 1.5, longest * 1.5], grid: true },
      marks: [
        plot.line(law, { x: 'value', y: 'us', stroke: workColour, strokeDasharray: '5 3', strokeWidth: 1.5 }),
        plot.line(points, { x: 'value', y: 'us', stroke: timeColour, strokeWidth: 1.75 }),
        plot.dot(points, { x: 'value', y: 'us', fill: timeColour, r: 3 }),
        plot.text([`time ~ ${quantity}^${time.toFixed(2)}`], { frameAnchor: 'top-left', dy: -34, fill: timeColour }),
        plot.text([`work ~ ${quantity}^${work.toFixed(2)}`], { frameAnchor: 'top-left', dy: -20, fill: workColour }),
      ],
    });
    return svg.replace(/^<svg/, `<svg x="${i * width}" y="24"`);
  });
  const title = `Microseconds a hop, target ${target}: measured (solid), and what the multiply-adds say (dashed)`;
  const whole = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width * lines.length}" height="280" viewBox="0 0 ${width * lines.length} 280">`,
    '<rect width="100%" height="100%" fill="var(--paper)"/>',
    `<text x="12" y="18" font-family="sans-serif" font-size="14" fill="var(--ink)">${title}</text>`,
    ...panels,
    '</svg>\n',
  ];
  return standalone(whole.join('\n'));
}
