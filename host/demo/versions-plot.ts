/**
 * The plot of `npm run eval:versions`: for each stream a panel with the accuracy over the time of the stream.
 *
 * In: trials by stream.  Out: SVG text; it follows the reader's light or dark colour scheme. A line is the
 * mean of the seeds over `binWindows` windows; the phases are named above.
 */
import { drawing } from '../report/design/draw.ts';
import { colour, standalone } from '../report/design/palette.ts';
import { escaped } from '../report/design/text.ts';
import { conditions } from './versions-streams.ts';
import { accuracyIn, type Mechanism, phases, type VersionTrial } from './versions-trials.ts';

const [width, height, top] = [980, 250, 44];
const ink = colour('ink');
const binsOfPhase = 26;
const lines: [Mechanism, string, string][] = [
  ['oracle', ink, '5 3'],
  ['newest', colour('series-1'), ''],
  ['lastK', colour('series-2'), ''],
  ['recommended', colour('series-0'), ''],
];

/**
 * Returns the accuracy by mechanism and bin: phases have different lengths in each seed, so bins are shares.
 */
function binsOf(trials: readonly VersionTrial[]): { at: number; mechanism: Mechanism; accuracy: number }[] {
  return lines.flatMap(([mechanism]) =>
    phases.flatMap((_, p) =>
      Array.from({ length: binsOfPhase }, (_, b) => {
        const all = trials.map(({ phases: found, right }) => {
          const { from, to } = found[p] as VersionTrial['phases'][number];
          const place = (share: number) => from + Math.floor(((to - from) * share) / binsOfPhase);
          return accuracyIn(right[mechanism], place(b), place(b + 1));
        });
        const accuracy = (100 * all.reduce((sum, one) => sum + one, 0)) / all.length;
        return { at: p + (b + 0.5) / binsOfPhase, mechanism, accuracy };
      }),
    ),
  );
}

export async function versionsPlot(streams: readonly { name: string; trials: readonly VersionTrial[] }[]): Promise<string> {
  const { Plot, draw } = await drawing();
  const panels = streams.map(({ name, trials }, i) => {
    const bins = binsOf(trials);
    const names = phases.map((condition, p) => ({ at: p + 0.5, text: conditions[condition]?.name ?? '' }));
    const svg = draw(`accuracy over time on ${name}`, {
      width,
      height,
      marginLeft: 44,
      marginTop: 34,
      x: { label: null, ticks: [], domain: [0, phases.length] },
      y: { label: 'accuracy %', grid: true, ticks: 6 },
      marks: [
        Plot.ruleX(
          phases.map((_, p) => p),
          { stroke: ink, strokeOpacity: 0.25 },
        ),
        ...lines.map(([mechanism, stroke, strokeDasharray]) =>
          Plot.lineY(
            bins.filter((bin) => bin.mechanism === mechanism),
            { x: 'at', y: 'accuracy', stroke, strokeWidth: 1.75, strokeDasharray },
          ),
        ),
        Plot.text(names, { x: 'at', text: 'text', frameAnchor: 'top', dy: -14, fill: ink }),
      ],
    });
    const title = `<text x="12" y="${top + i * (height + 20) + 14}" font-size="13" font-weight="600" fill="${ink}">${escaped(name)}</text>`;
    return `${title}<g transform="translate(0 ${top + i * (height + 20)})">${svg}</g>`;
  });
  const whole = [width, top + streams.length * (height + 20)];
  const key = lines.map(([name, fill], i) => `<text x="${12 + 130 * i}" y="26" font-size="14" fill="${fill}">${name}</text>`);
  return standalone(
    [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole[0]} ${whole[1]}" width="${whole[0]}" height="${whole[1]}"`,
      ` font-family="system-ui, sans-serif"><rect width="${whole[0]}" height="${whole[1]}" fill="${colour('paper')}"/>`,
      ...key,
      ...panels,
      '</svg>\n',
    ].join(''),
  );
}
