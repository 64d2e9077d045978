/**
 * Plots a run as an SVG: the input signal above, the outputs below, on one time axis.
 *
 * In: values and times.  Out: SVG text, 900 px wide; it follows the reader's light or dark preference. Long
 * signals are drawn as envelopes (minimum and maximum per half pixel).
 */
import { maxOf } from '../../models/lists.ts';
import { type Drawing, drawing, type Mark } from './design/draw.ts';
import { type Colour, colour, series as palette, standalone } from './design/palette.ts';
import { escaped } from './design/text.ts';
import { envelope } from './envelope.ts';

export interface Series {
  name: string;
  values: ArrayLike<number>;
}

export interface RunPlot {
  title: string;
  /** One series per element of a frame. */
  input: Series[];
  /** Frames per second of the input; without it the time axis counts frames. */
  inputRateHz?: number;
  inputUnit?: string;
  /** One series per output element, with a value at each of `times`. */
  outputs: Series[];
  truth?: Series;
  /** Classifier: strips above the outputs; the class at each of `times`, an index into `outputs` or NaN. */
  classes?: Series[];
  /** Time of each output, in seconds; in frames if the rate is unknown. */
  times: ArrayLike<number>;
  /** Unit of the outputs. */
  unit?: string;
}

/** Maximum number of series in a panel. A choice: more lines cannot be told apart. */
const maxSeries = 6;
const ink = colour('ink');
const width = 900;
const margins = { marginLeft: 64, marginRight: 28 };
const plotWidth = width - margins.marginLeft - margins.marginRight;

/** Returns at most `maxSeries` series: those with the highest peaks, in their original order. */
function drawn(series: Series[]): Series[] {
  if (series.length <= maxSeries) return series;
  const peak = (s: Series) => envelope(s.values, 1).high[0] ?? Number.NEGATIVE_INFINITY;
  const chosen = new Set([...series].sort((a, b) => peak(b) - peak(a)).slice(0, maxSeries));
  return series.filter((s) => chosen.has(s));
}

/** Draws a line; with more points than half pixels, the band of its envelope. */
function marksOf(
  plot: Drawing['Plot'],
  series: Series,
  timeOf: (i: number) => number,
  colour: string,
  bold: boolean,
  dashed = false,
): Mark[] {
  const style = { stroke: colour, strokeWidth: bold ? 1.75 : 1.25, strokeDasharray: dashed ? '5 3' : undefined };
  const count = series.values.length;
  if (count <= 2 * plotWidth) {
    const x = Array.from({ length: count }, (_, i) => timeOf(i));
    const y = Array.from({ length: count }, (_, i) => series.values[i] as number);
    const line = plot.lineY(y, { x, y, ...style });
    return count > 60 ? [line] : [line, plot.dot(y, { x, y, r: 2.5, fill: colour })];
  }
  const { starts, low, high } = envelope(series.values, 2 * plotWidth);
  const x = Array.from(starts, timeOf);
  // the outline keeps flat stretches visible, where the band has no height
  const band = plot.areaY(x, { x, y1: [...low], y2: [...high], fill: colour, stroke: colour, strokeWidth: 0.7 });
  return [band];
}

/** Height of a strip in pixels, with the space below it. */
const stripHeight = 20;

/** Draws a strip: one rectangle for each run of outputs with the same class. */
function stripOf({ name, values }: Series, times: ArrayLike<number>, end: number, colourOf: (index: number) => string): string {
  const x = (time: number) => (margins.marginLeft + (plotWidth * time) / end).toFixed(1);
  const rects: string[] = [];
  for (let from = 0, to = 1; from < values.length; from = to++) {
    const index = values[from] as number;
    while (to < values.length && Object.is(values[to], index)) to++;
    const [left, right] = [times[from] as number, times[Math.min(to, values.length - 1)] as number];
    if (!Number.isNaN(index))
      rects.push(
        `<rect x="${x(left)}" width="${(Number(x(right)) - Number(x(left))).toFixed(1)}" height="14" fill="${colourOf(index)}"/>`,
      );
  }
  return `<text x="${margins.marginLeft - 8}" y="11" font-size="12" text-anchor="end" fill="${ink}">${escaped(name)}</text>${rects.join('')}`;
}

/** Draws the legend, right-aligned above a panel. */
const legendOf = (entries: { name: string; colour: string; dashed?: boolean }[], y: number): string => {
  let x = width - margins.marginRight;
  return [...entries]
    .reverse()
    .map(({ name, colour, dashed }) => {
      const text = name.length > 24 ? `${name.slice(0, 23)}…` : name;
      x -= 7 * text.length;
      const label = `<text x="${x}" y="${y}" font-size="12" fill="${ink}">${escaped(text)}</text>`;
      x -= 24;
      const stroke = `stroke="${colour}" stroke-width="2.5"${dashed ? ' stroke-dasharray="5 3"' : ''}`;
      const line = `<line x1="${x}" x2="${x + 18}" y1="${y - 4}" y2="${y - 4}" ${stroke}/>`;
      x -= 16;
      return line + label;
    })
    .join('');
};

/** Plots a run. @returns text of an SVG file. */
export async function plotRun(run: RunPlot): Promise<string> {
  const { Plot, draw } = await drawing();
  const rate = run.inputRateHz;
  const frames = Math.max(0, maxOf(run.input.map((s) => s.values.length)));
  const end = Math.max(rate ? frames / rate : frames, maxOf(Array.from(run.times)));
  const x = {
    domain: [0, end || 1],
    label: rate ? 'time (s)' : 'time (frames)',
    labelAnchor: 'center' as const,
    labelArrow: 'none' as const,
  };
  const common = { width, ...margins };
  const panel = (marks: Mark[], height: number, label: string, withAxis: boolean): string => {
    const svg = draw(label, {
      ...common,
      height,
      marginTop: 30,
      marginBottom: withAxis ? 44 : 22,
      x: withAxis ? { ...x, labelOffset: 38 } : { ...x, label: null },
      y: { label: null, grid: true, nice: true, ticks: height > 200 ? 6 : 4 },
      marks,
    });
    return `${svg}<text x="16" y="16" font-size="12" font-weight="600" fill="${ink}">${escaped(label)}</text>`;
  };
  const inputs = drawn(run.input);
  const outputs = drawn(run.outputs);
  const more = (shown: Series[], all: Series[]) =>
    shown.length < all.length ? `: the ${shown.length} highest of ${all.length}` : '';
  const colourOf = (i: number) => colour(palette[i] as Colour);
  const inputLabel = `input${run.inputUnit ? ` (${run.inputUnit})` : ''}${inputs.length === 1 ? `: ${inputs[0]?.name}` : more(inputs, run.input)}`;
  const single = outputs.length === 1 && !run.truth;
  const outputLabel = `output${single ? `: ${outputs[0]?.name}` : more(outputs, run.outputs)}${run.unit ? ` (${run.unit})` : ''}`;
  const inputMarks = inputs.flatMap((s, i) => marksOf(Plot, s, (n) => (rate ? n / rate : n), colourOf(i), false));
  const truth = run.truth ? marksOf(Plot, run.truth, (n) => run.times[n] as number, ink, true, true) : [];
  // if there are enough colours, outputs use others than the input, so that each colour has one meaning
  const shift = inputs.length + outputs.length <= maxSeries ? inputs.length : 0;
  const outputMarks = outputs.flatMap((s, i) => marksOf(Plot, s, (n) => run.times[n] as number, colourOf(i + shift), true));
  const strips = run.classes ?? [];
  const [titleHeight, inputHeight, outputHeight, stripsHeight] = [40, 210, 270, stripHeight * strips.length];
  const classColour = (index: number) => {
    const at = outputs.indexOf(run.outputs[index] as Series);
    return at < 0 ? colour('faint') : colourOf(at + shift);
  };
  const at = (y: number, content: string) => `<g transform="translate(0 ${y})">${content}</g>`;
  const inputLegend = inputs.length > 1 ? inputs.map((s, i) => ({ name: s.name, colour: colourOf(i) })) : [];
  const outputLegend = [
    ...outputs.map((s, i) => ({ name: s.name, colour: colourOf(i + shift) })),
    ...(run.truth ? [{ name: run.truth.name, colour: ink, dashed: true }] : []),
  ];
  const top = titleHeight + inputHeight + stripsHeight;
  const height = top + outputHeight;
  const whole = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="system-ui, sans-serif"><rect width="${width}" height="${height}" fill="${colour('paper')}"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600" fill="${ink}">${escaped(run.title)}</text>`,
    at(titleHeight, panel(inputMarks, inputHeight, inputLabel, false) + legendOf(inputLegend, 16)),
    ...strips.map((strip, i) =>
      at(titleHeight + inputHeight + i * stripHeight, stripOf(strip, run.times, end || 1, classColour)),
    ),
    at(top, panel([...truth, ...outputMarks], outputHeight, outputLabel, true) + legendOf(single ? [] : outputLegend, 16)),
    '</svg>\n',
  ];
  return standalone(whole.join(''));
}
