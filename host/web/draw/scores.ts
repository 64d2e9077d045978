/**
 * The outputs over time: a curve for a probability or quantity, or one row per class, filled to its
 * probability.
 *
 * In: a scene, the kind of the values, a cutoff, and the true values if known.  Out: pixels.
 */
import type { OutputHistory } from '../history.ts';
import type { Reading } from '../reading.ts';
import { type Brush, font, gutterText, type Scene } from './lane.ts';

/** What the curves need of a scene: the outputs may be those of a gate. */
type Outputs = Pick<Scene, 'view' | 'palette'> & { history: OutputHistory };

export interface ScoreOptions {
  reading: Reading;
  /** Value above which a word is detected, or a gate opens. */
  cutoff?: number;
  /** Name of a curve, which replaces the scale. */
  title?: string;
  /** Colour of each element. */
  colours: string[];
  truth?: { values: Float32Array; stepS: number };
}

/** Range of the outputs in view, and one on either side. */
function inView({ history, view }: Outputs): [from: number, to: number] {
  const { times } = history;
  const from = Math.max(times.first, history.outputAt(view.startS) - 1);
  return [from, Math.min(times.end, history.outputAt(view.startS + view.spanS) + 1)];
}

/**
 * Points of element `e`, a list for each stretch without sleep. Of the points within half a pixel the largest
 * is kept.
 */
function paths(history: OutputHistory, from: number, to: number, e: number, x: (s: number) => number): [number, number][][] {
  const found: [number, number][][] = [];
  for (let i = from; i < to; i++) {
    const point: [number, number] = [x(history.times.at(i)), history.outputs.at(i, e)];
    const path = found.at(-1);
    const last = path?.at(-1);
    if (!path || !last || (i > from && history.sleptBefore(i))) found.push([point]);
    else if (point[0] - last[0] < 0.5) last[1] = Math.max(last[1], point[1]);
    else path.push(point);
  }
  return found;
}

function rangeOf(scene: Outputs, { reading, truth, cutoff }: ScoreOptions, from: number, to: number): [number, number] {
  if (reading.range) return reading.range;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const see = (value: number) => {
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  const { outputs } = scene.history;
  for (let i = from; i < to; i++) for (let e = 0; e < outputs.width; e++) see(outputs.at(i, e));
  const { startS, spanS } = scene.view;
  if (truth)
    for (
      let n = Math.max(0, Math.floor(startS / truth.stepS));
      n * truth.stepS < Math.min(startS + spanS, scene.history.endS) && n < truth.values.length;
      n++
    )
      see(truth.values[n] as number);
  if (cutoff !== undefined) see(cutoff);
  if (!(high >= low)) return [0, 1];
  const room = Math.max(1e-6, 0.1 * (high - low), 0.04 * Math.abs(high) - (high - low) / 2);
  return [low - room, high + room];
}

/** Draws about three round values as a scale at the left. */
function drawScale(
  brush: Brush,
  { palette }: Outputs,
  [low, high]: [number, number],
  percent: boolean,
  y: (v: number) => number,
): void {
  const { context, gutter, width } = brush;
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = percent ? 0.5 : ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10) * power;
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9; n++) {
    const at = Math.round(y(n * step)) + 0.5;
    context.strokeStyle = palette.line;
    context.beginPath();
    context.moveTo(gutter, at);
    context.lineTo(width, at);
    context.stroke();
    const text = percent ? `${100 * n * step} %` : String(Number((n * step).toPrecision(6)));
    gutterText(brush, text, Math.min(brush.height - 7, Math.max(7, at)), palette.soft, 11.5);
  }
}

function drawCurve(brush: Brush, scene: Outputs, options: ScoreOptions): void {
  const { context, gutter, width, height, x } = brush;
  const { history, palette, view } = scene;
  const [from, to] = inView(scene);
  const range = rangeOf(scene, options, from, to);
  const [low, high] = range;
  const y = (value: number) => 6 + ((high - value) / (high - low)) * (height - 12);
  const { kind } = options.reading;
  context.lineWidth = 1;
  if (options.title === undefined) drawScale(brush, scene, range, kind === 'word', y);
  else gutterText(brush, options.title, height / 2, palette.soft);
  if (options.cutoff !== undefined) {
    context.strokeStyle = palette.accent;
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(gutter, y(options.cutoff));
    context.lineTo(width, y(options.cutoff));
    context.stroke();
    context.setLineDash([]);
  }
  context.save();
  context.beginPath();
  context.rect(gutter, 0, width - gutter, height);
  context.clip();
  context.lineJoin = 'round';
  const { truth } = options;
  if (truth) {
    context.strokeStyle = palette.truth;
    context.lineWidth = 1.5;
    context.beginPath();
    const last = Math.min(truth.values.length, Math.floor(history.endS / truth.stepS));
    for (let n = Math.max(0, Math.floor(view.startS / truth.stepS)); n < last; n++)
      context.lineTo(x(n * truth.stepS), y(truth.values[n] as number));
    context.stroke();
  }
  context.lineWidth = 2;
  for (let e = 0; e < history.outputs.width; e++) {
    context.strokeStyle = options.colours[e] as string;
    context.fillStyle = options.colours[e] as string;
    const stretches = paths(history, from, to, e, x);
    const dots = kind !== 'word' && stretches.reduce((sum, path) => sum + path.length, 0) < 80;
    for (const path of stretches) {
      context.beginPath();
      for (const [px, value] of path) context.lineTo(px, y(value));
      context.stroke();
      if (kind === 'word') {
        context.lineTo(path.at(-1)?.[0] ?? 0, y(0));
        context.lineTo(path[0]?.[0] ?? 0, y(0));
        context.globalAlpha = 0.14;
        context.fill();
        context.globalAlpha = 1;
      } else if (dots)
        for (const [px, value] of path) {
          context.beginPath();
          context.arc(px, y(value), 2.5, 0, 7);
          context.fill();
        }
    }
  }
  context.restore();
  if (truth)
    drawLegend(
      brush,
      [
        [options.reading.names[0] as string, options.colours[0] as string],
        ['truth', palette.truth],
      ],
      palette.paper,
    );
}

/** Draws the names of the curves at the upper left. */
function drawLegend({ context, gutter }: Brush, entries: [name: string, colour: string][], paper: string): void {
  context.font = font(12);
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  let at = gutter + 8;
  for (const [name, colour] of entries) {
    const textWidth = context.measureText(name).width;
    context.fillStyle = paper;
    context.fillRect(at - 4, 4, textWidth + 28, 18);
    context.fillStyle = colour;
    context.fillRect(at, 12, 14, 2);
    context.fillText(name, at + 19, 13);
    at += textWidth + 34;
  }
}

function drawRows(brush: Brush, scene: Outputs, options: ScoreOptions): void {
  const { context, gutter, width, height, x } = brush;
  const { history, palette } = scene;
  const { reading, colours } = options;
  const shown = Math.min(reading.names.length, 40);
  const pitch = height / shown;
  const [from, to] = inView(scene);
  const [low, high] = rangeOf(scene, options, from, to);
  const newest = history.times.end - 1;
  for (let e = 0; e < shown; e++) {
    const bottom = (e + 1) * pitch;
    const live =
      newest >= history.times.first && history.outputs.at(newest, e) > (options.cutoff ?? 0.5) && !reading.background[e];
    if (pitch >= 9)
      gutterText(
        brush,
        reading.names[e] as string,
        bottom - pitch / 2,
        live ? palette.ink : palette.soft,
        Math.min(12, pitch),
        live ? 600 : 400,
      );
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(gutter, Math.round(bottom) - 0.5);
    context.lineTo(width, Math.round(bottom) - 0.5);
    context.stroke();
    const y = (value: number) => bottom - 0.5 - Math.max(0, Math.min(1, (value - low) / (high - low))) * (pitch - 3);
    context.save();
    context.beginPath();
    context.rect(gutter, bottom - pitch, width - gutter, pitch);
    context.clip();
    context.beginPath();
    for (const path of paths(history, from, to, e, x)) {
      context.moveTo(path[0]?.[0] ?? 0, bottom - 0.5);
      for (const [px, value] of path) context.lineTo(px, y(value));
      context.lineTo(path.at(-1)?.[0] ?? 0, bottom - 0.5);
    }
    context.fillStyle = colours[e] as string;
    context.globalAlpha = reading.background[e] ? 0.35 : 0.85;
    context.fill();
    context.restore();
  }
}

export function drawScores(brush: Brush, scene: Outputs, options: ScoreOptions): void {
  const { kind } = options.reading;
  if (kind === 'words' || (kind === 'values' && options.reading.names.length > 3)) drawRows(brush, scene, options);
  else drawCurve(brush, scene, options);
  brush.context.font = font(12);
}
