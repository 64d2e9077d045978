/**
 * A run of kws as an SVG: the sound above with the script's words, the scores of the ten words below with what was heard.
 *
 * In: PCM, scores of every output, the script, detections.  Out: SVG text, 900 px wide. Drawn by Observable Plot on linkedom, loaded here.
 */
import { envelope } from '../report/envelope.ts';
import type { Detection } from '../session/index.ts';
import type { Word } from './kws-detect.ts';

export interface KwsPlot {
  title: string;
  pcm: Int16Array;
  rateHz: number;
  /** Seconds of each output. */
  times: readonly number[];
  /** One row of scores an output. */
  scores: readonly Float32Array[];
  labels: readonly string[];
  words: readonly Word[];
  heard: readonly Detection[];
  /** Detections that are in no word. */
  wrong: ReadonlySet<Detection>;
}

/** Okabe and Ito (2008), then darker steps of the same hues. */
const palette = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#004A73', '#8C3D00', '#006B4F', '#8A4F70'];
const ink = '#222222';
const [width, soundHeight, scoreHeight] = [900, 170, 270];

export async function plotKws(run: KwsPlot): Promise<string> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<html><body></body></html>');
  const end = run.pcm.length / run.rateHz;
  const x = { domain: [0, end], label: 'time (s)', labelAnchor: 'center' as const, labelArrow: 'none' as const };
  const common = {
    document: document as unknown as Document,
    width,
    marginLeft: 44,
    marginRight: 16,
    style: { fontSize: '12px', color: ink },
  };
  const words = run.labels.map((label, i) => ({ label, i })).filter(({ label }) => !label.startsWith('_'));
  const colour = (label: string) => palette[words.findIndex((w) => w.label === label)] ?? ink;
  const { starts, low, high } = envelope(run.pcm, 2 * width);
  const at = Array.from(starts, (s) => s / run.rateHz);
  const text = <T>(of: readonly T[], time: (t: T) => number, label: (t: T) => string, y: number, fill: (t: T) => string) =>
    Plot.text(of, { x: time, y, text: label, fill, fontSize: 11, fontWeight: 600, rotate: -45, textAnchor: 'start' });
  const sound = Plot.plot({
    ...common,
    height: soundHeight,
    marginTop: 40,
    marginBottom: 12,
    x: { ...x, label: null, ticks: [] },
    y: { label: null, domain: [-1, 1], ticks: 3 },
    marks: [
      Plot.rectY(run.words, { x1: 'start', x2: 'end', y1: -1, y2: 1, fill: (w: Word) => colour(w.word), fillOpacity: 0.22 }),
      Plot.areaY(at, { x: at, y1: [...low].map((v) => v / 32768), y2: [...high].map((v) => v / 32768), fill: ink }),
      text(
        run.words,
        (w) => w.start,
        (w) => w.word,
        1.08,
        (w) => colour(w.word),
      ),
    ],
  });
  const lines = words.map(({ label, i }) =>
    Plot.lineY(run.scores, { x: run.times as number[], y: (s: Float32Array) => s[i], stroke: colour(label), strokeWidth: 1.3 }),
  );
  const scores = Plot.plot({
    ...common,
    height: scoreHeight,
    marginTop: 46,
    marginBottom: 40,
    x: { ...x, labelOffset: 36 },
    y: { label: null, domain: [0, 1], grid: true, ticks: 5 },
    marks: [
      ...lines,
      Plot.dot(run.heard, {
        x: (d: Detection) => d.timeMs / 1000,
        y: 1,
        r: 4,
        fill: (d: Detection) => colour(d.label),
        stroke: (d: Detection) => (run.wrong.has(d) ? 'red' : 'none'),
        strokeWidth: 2,
      }),
      text(
        run.heard,
        (d) => d.timeMs / 1000,
        (d) => (run.wrong.has(d) ? `${d.label}?` : d.label),
        1.06,
        (d) => colour(d.label),
      ),
    ],
  });
  const [title, half] = [40, 40 + soundHeight];
  const caption = (y: number, words: string) =>
    `<text x="16" y="${y}" font-size="12" font-weight="600" fill="${ink}">${words}</text>`;
  const panel = (y: number, svg: unknown) => `<g transform="translate(0 ${y})">${(svg as { outerHTML: string }).outerHTML}</g>`;
  const height = half + scoreHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="system-ui, sans-serif"><rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600" fill="${ink}">${run.title}</text>`,
    panel(title, sound),
    caption(title + 12, 'sound, and what is said'),
    panel(half, scores),
    caption(half + 12, 'score of each word, and what is heard'),
    '</svg>\n',
  ].join('');
}
