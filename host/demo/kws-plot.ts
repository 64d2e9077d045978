/**
 * Draws a run of kws as SVG: the sound with the words of the script above, the scores of the ten words with
 * the detections below.
 *
 * In: PCM, scores of every output, the script, detections.  Out: SVG text, 900 px wide, in the reader's light
 * or dark scheme.
 */
import { type Drawing, drawing, type Mark } from '../report/design/draw.ts';
import { type Colour, colour as named, series, standalone } from '../report/design/palette.ts';
import { escaped } from '../report/design/text.ts';
import { envelope } from '../report/envelope.ts';
import type { Detection } from '../session/index.ts';
import type { Word } from './kws-detect.ts';

export interface KwsPlot {
  title: string;
  pcm: Int16Array;
  rateHz: number;
  /** Time of each output in seconds. */
  times: readonly number[];
  /** Scores of each output. */
  scores: readonly Float32Array[];
  labels: readonly string[];
  words: readonly Word[];
  heard: readonly Detection[];
  /** Detections that match no word. */
  wrong: ReadonlySet<Detection>;
}

const ink = named('ink');
const [width, soundHeight, scoreHeight] = [900, 170, 270];

/** Options of both panels. */
const common = { width, marginLeft: 44, marginRight: 16 };
const timeAxis = ({ pcm, rateHz }: KwsPlot) => ({
  domain: [0, pcm.length / rateHz],
  label: 'time (s)',
  labelAnchor: 'center' as const,
  labelArrow: 'none' as const,
});

/** Labels that are words, with their index in the scores. */
const wordsOf = ({ labels }: KwsPlot) => labels.map((label, i) => ({ label, i })).filter(({ label }) => !label.startsWith('_'));

function colourOf(run: KwsPlot): (label: string) => string {
  const words = wordsOf(run);
  return (label) => {
    const name = series[words.findIndex((w) => w.label === label)];
    return name ? named(name as Colour) : ink;
  };
}

/** How an item becomes a text: time, label, height and colour. */
interface TextOf<T> {
  time: (t: T) => number;
  label: (t: T) => string;
  y: number;
  fill: (t: T) => string;
}

const texts = <T>({ Plot }: Drawing, of: readonly T[], { time, label, y, fill }: TextOf<T>): Mark =>
  Plot.text(of, { x: time, y, text: label, fill, fontSize: 11, fontWeight: 600, rotate: -45, textAnchor: 'start' });

function soundPanel(drawing: Drawing, run: KwsPlot): string {
  const { Plot, draw } = drawing;
  const colour = colourOf(run);
  const { starts, low, high } = envelope(run.pcm, 2 * width);
  const at = Array.from(starts, (s) => s / run.rateHz);
  const said = { time: (w: Word) => w.start, label: (w: Word) => w.word, y: 1.08, fill: (w: Word) => colour(w.word) };
  return draw('sound and spoken words', {
    ...common,
    height: soundHeight,
    marginTop: 40,
    marginBottom: 12,
    x: { ...timeAxis(run), label: null, ticks: [] },
    y: { label: null, domain: [-1, 1], ticks: 3 },
    marks: [
      Plot.rectY(run.words, { x1: 'start', x2: 'end', y1: -1, y2: 1, fill: (w: Word) => colour(w.word), fillOpacity: 0.22 }),
      Plot.areaY(at, { x: at, y1: [...low].map((v) => v / 32768), y2: [...high].map((v) => v / 32768), fill: ink }),
      texts(drawing, run.words, said),
    ],
  });
}

function scorePanel(drawing: Drawing, run: KwsPlot): string {
  const { Plot, draw } = drawing;
  const colour = colourOf(run);
  const time = (d: Detection) => d.timeMs / 1000;
  const fill = (d: Detection) => colour(d.label);
  const lines = wordsOf(run).map(({ label, i }) =>
    Plot.lineY(run.scores, { x: run.times as number[], y: (s: Float32Array) => s[i], stroke: colour(label), strokeWidth: 1.3 }),
  );
  return draw('scores of the words and detections', {
    ...common,
    height: scoreHeight,
    marginTop: 46,
    marginBottom: 40,
    x: { ...timeAxis(run), labelOffset: 36 },
    y: { label: null, domain: [0, 1], grid: true, ticks: 5 },
    marks: [
      ...lines,
      Plot.dot(run.heard, {
        x: time,
        y: 1,
        r: 4,
        fill,
        stroke: (d: Detection) => (run.wrong.has(d) ? named('bad') : 'none'),
        strokeWidth: 2,
      }),
      texts(drawing, run.heard, { time, label: (d) => (run.wrong.has(d) ? `${d.label}?` : d.label), y: 1.06, fill }),
    ],
  });
}

export async function plotKws(run: KwsPlot): Promise<string> {
  const loaded = await drawing();
  const [title, half] = [40, 40 + soundHeight];
  const caption = (y: number, words: string) =>
    `<text x="16" y="${y}" font-size="12" font-weight="600" fill="${ink}">${words}</text>`;
  const panel = (y: number, svg: string) => `<g transform="translate(0 ${y})">${svg}</g>`;
  const height = half + scoreHeight;
  const whole = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="system-ui, sans-serif"><rect width="${width}" height="${height}" fill="${named('paper')}"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600" fill="${ink}">${escaped(run.title)}</text>`,
    panel(title, soundPanel(loaded, run)),
    caption(title + 12, 'sound and spoken words'),
    panel(half, scorePanel(loaded, run)),
    caption(half + 12, 'scores of the words and detections'),
    '</svg>\n',
  ];
  return standalone(whole.join(''));
}
