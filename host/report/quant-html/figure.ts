/**
 * Figures of a quantisation's page: the histogram of a layer, and the signal-to-noise ratio of all layers.
 *
 * In: a diagnosis.  Out: SVG text; colours are the page's variables, so it follows light and dark.
 */
import { maxOf, minOf } from '../../../models/lists.ts';
import type { Diagnosis, LayerDiagnosis } from '../../../quant/diagnose/diagnose.ts';
import { type Drawing, drawing } from '../design/draw.ts';
import { shortName } from '../plan-table.ts';

export interface Measure {
  name: string;
  colour: string;
  symbol: 'circle' | 'diamond' | 'triangle' | 'square';
  of: (layer: LayerDiagnosis) => number | undefined;
}

/** Returns the measures of the overview. If streaming changes nothing, int8 appears once. */
export const measures = ({ output }: Diagnosis): Measure[] => [
  { name: 'alone in int8, at the outputs', colour: 'var(--ink)', symbol: 'diamond', of: (l) => l.aloneDb },
  { name: 'int8, windowed', colour: 'var(--held)', symbol: 'circle', of: (l) => l.int8WindowedDb },
  ...(Number.isFinite(output.floatStreamedDb ?? Number.POSITIVE_INFINITY)
    ? ([
        { name: 'streaming, float', colour: 'var(--left)', symbol: 'triangle', of: (l: LayerDiagnosis) => l.floatStreamedDb },
        { name: 'int8, streamed', colour: 'var(--new)', symbol: 'square', of: (l: LayerDiagnosis) => l.int8StreamedDb },
      ] as const)
    : []),
];

/** Formats a real value for an axis: two digits. */
const axisText = (x: number): string => `${Number(x.toPrecision(2))}`;
/** Margin at the sides of a histogram, and half of a letter's width, in pixels. */
const [margin, halfLetter] = [6, 3.5];

/** Size in pixels. */
interface Size {
  width: number;
  height: number;
}

export interface Figures {
  histogram(layer: LayerDiagnosis, size: Size): string;
  overview(diagnosis: Diagnosis, width: number): string;
}

/** Draws the values of a layer in float and int8 on a logarithmic scale; values outside int8 are shaded. */
function histogramFigure({ Plot, draw }: Drawing, { name, histogram: h }: LayerDiagnosis, { width, height }: Size): string {
  const count = h.float.length;
  const edge = (i: number) => h.from + ((h.to - h.from) * i) / count;
  const filled = h.float.map((n, i) => (n > 0 ? i : -1)).filter((i) => i >= 0);
  const low = Math.min(h.low, edge(filled[0] ?? 0));
  const high = Math.max(h.high, edge((filled.at(-1) ?? count - 1) + 1));
  // two points per bin draw a staircase with any curve
  const shown = (i: number) => (edge(i) + edge(i + 1)) / 2 > low && (edge(i) + edge(i + 1)) / 2 < high;
  const stairs = (counts: readonly number[]) =>
    counts.flatMap((n, i) => (shown(i) ? [edge(i), edge(i + 1)].map((x) => ({ x, y: Math.log10(1 + n) })) : []));
  const top = Math.log10(1 + Math.max(1, maxOf(h.float), maxOf(h.int8)));
  const outside = [
    { x1: low, x2: h.low },
    { x1: h.high, x2: high },
  ].filter(({ x1, x2 }) => x2 - x1 > 1e-9 * (high - low));
  /** Returns the text of a tick, or none if it would cross the figure's edge; the tick itself stays. */
  const within = (x: number) => {
    const text = axisText(x);
    const middle = margin + ((x - low) / (high - low)) * (width - 2 * margin);
    return Math.min(middle, width - middle) < halfLetter * text.length ? '' : text;
  };
  return draw(`${name}: values, float and int8`, {
    width,
    height,
    marginLeft: margin,
    marginRight: margin,
    marginTop: 4,
    marginBottom: 20,
    x: { domain: [low, high], ticks: 4, tickSize: 3, tickFormat: within, label: null, insetLeft: 1, insetRight: 1 },
    y: { axis: null, domain: [0, top] },
    marks: [
      Plot.rect(outside, { x1: 'x1', x2: 'x2', y1: 0, y2: top, fill: 'var(--fresh)' }),
      Plot.area(stairs(h.float), { x1: 'x', y1: 0, y2: 'y', fill: 'var(--queued)' }),
      Plot.line(stairs(h.int8), { x: 'x', y: 'y', stroke: 'var(--new)', strokeWidth: 1.25 }),
      Plot.ruleY([0], { stroke: 'var(--line)' }),
    ],
  });
}

/** Draws the signal-to-noise ratio of every layer, with a mark for each measure. */
function overviewFigure({ Plot, draw }: Drawing, diagnosis: Diagnosis, width: number): string {
  const narrow = width < 500;
  const { layers } = diagnosis;
  const names = layers.map((l, i) => `${i + 1}  ${shortName(l.name, narrow ? 12 : 24)}`);
  const kinds = measures(diagnosis);
  const points = kinds.flatMap((kind) =>
    layers.flatMap((layer, i) => {
      const db = kind.of(layer);
      return db !== undefined && Number.isFinite(db) ? [{ layer: names[i] as string, db, kind }] : [];
    }),
  );
  const values = points.map((p) => p.db);
  const [minDb, maxDb] = [Math.min(0, minOf(values)), Math.max(20, maxOf(values))];
  const longest = maxOf(names.map((n) => n.length));
  return draw('signal to noise of every layer, dB', {
    width,
    height: layers.length * 19 + 40,
    marginLeft: 14 + 6.6 * longest,
    marginRight: 12,
    marginTop: 24,
    marginBottom: 12,
    x: {
      domain: [Math.floor(minDb / 10) * 10, Math.ceil(maxDb / 10) * 10],
      axis: 'top',
      label: null,
      grid: true,
      ticks: narrow ? 4 : 8,
      tickSize: 0,
    },
    y: { domain: names, label: null, tickSize: 0, padding: 0.5 },
    color: { type: 'identity' },
    symbol: { type: 'identity' },
    marks: [
      Plot.ruleY(names, { y: (n: string) => n, stroke: 'var(--line)', strokeWidth: 0.75 }),
      Plot.dot(points, {
        x: 'db',
        y: 'layer',
        r: 4,
        symbol: (p: (typeof points)[number]) => p.kind.symbol,
        fill: (p: (typeof points)[number]) => p.kind.colour,
        stroke: 'var(--paper)',
        strokeWidth: 0.75,
        title: (p: (typeof points)[number]) => `${p.layer}: ${p.kind.name}, ${p.db.toFixed(1)} dB`,
      }),
    ],
  });
}

export async function figures(): Promise<Figures> {
  const loaded = await drawing();
  return {
    histogram: (layer, size) => histogramFigure(loaded, layer, size),
    overview: (diagnosis, width) => overviewFigure(loaded, diagnosis, width),
  };
}
