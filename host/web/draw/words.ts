/**
 * Detections as words at their time and as lines through the other lanes; the script; states as bands.
 *
 * In: a scene and detections in order.  Out: pixels.  If two words would overlap, the later has only a mark.
 */
import type { Detection } from '../../session/index.ts';
import type { History } from '../history.ts';
import type { Said } from '../protocol.ts';
import type { Reading } from '../reading.ts';
import { strongest } from '../score.ts';
import { type Brush, font, type Scene } from './lane.ts';

/** Draws the detections. @param wrong detections that are not in the script; they get a question mark. */
export function drawWords(
  brush: Brush,
  { view, palette }: Scene,
  heard: Detection[],
  wrong: ReadonlySet<Detection>,
  colourOf: (label: string) => string,
): void {
  const { context, width, height, x } = brush;
  const seen = heard.filter(({ timeMs }) => timeMs / 1000 >= view.startS && timeMs / 1000 <= view.startS + view.spanS);
  for (const { label, timeMs } of seen) {
    context.fillStyle = colourOf(label);
    context.fillRect(Math.round(x(timeMs / 1000)) - 1, height - 20, 2, 20);
  }
  context.font = font(13, 600);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  // a margin separates words from the marks of later ones
  context.strokeStyle = palette.paper;
  context.lineWidth = 4;
  context.lineJoin = 'round';
  let free = Number.NEGATIVE_INFINITY;
  for (const one of seen) {
    const { timeMs } = one;
    const label = wrong.has(one) ? `${one.label}?` : one.label;
    const textWidth = context.measureText(label).width;
    const at = x(timeMs / 1000);
    const left = at + 5 + textWidth > width ? at - 6 - textWidth : at + 5;
    if (left < free) continue;
    context.strokeText(label, left, height - 11);
    context.fillStyle = colourOf(one.label);
    context.fillText(label, left, height - 11);
    free = left + textWidth + 8;
  }
}

/** Draws the script above the detections: a bar with its word. Missed entries have another colour. */
export function drawSaid(brush: Brush, { view, palette, history }: Scene, said: Said[], missed: ReadonlySet<Said>): void {
  const { context, gutter, width, x } = brush;
  context.font = font(12);
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  let free = Number.NEGATIVE_INFINITY;
  for (const one of said) {
    const { word, start, end } = one;
    if (end < view.startS || start > Math.min(view.startS + view.spanS, history.endS)) continue;
    context.fillStyle = missed.has(one) ? palette.bad : palette.soft;
    const left = Math.max(gutter, x(start));
    context.fillRect(left, 18, Math.max(2, Math.min(width, x(end)) - left), 2);
    const textWidth = context.measureText(word).width;
    if (left < free || left + textWidth > width) continue;
    context.fillText(word, left, 9);
    free = left + textWidth + 6;
  }
}

/** Draws bands in the colours of their words, with the names that fit. */
function drawBands(
  brush: Brush,
  { palette }: Scene,
  bands: Said[],
  [top, height]: [number, number],
  colourOf: (label: string) => string,
): void {
  const { context, gutter, width, x } = brush;
  context.font = font(11.5);
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  for (const { word, start, end } of bands) {
    const [left, right] = [Math.max(gutter, x(start)), Math.min(width, x(end))];
    if (right <= left) continue;
    context.fillStyle = colourOf(word);
    context.globalAlpha = 0.26;
    context.fillRect(left, top, Math.max(1, right - left), height);
    context.globalAlpha = 1;
    context.fillRect(left, top, 2, height);
    if (context.measureText(word).width + 10 > right - left) continue;
    context.fillStyle = palette.ink;
    context.fillText(word, left + 6, top + height / 2 + 0.5);
  }
}

/** Bands of the strongest class, at the time that each output describes. */
function statesOf(history: History, { names }: Reading, view: Scene['view'], delayS: number, hopS: number): Said[] {
  const { outputs, times } = history;
  const bands: Said[] = [];
  for (let i = times.first; i < times.end; i++) {
    const end = times.at(i) - delayS + hopS / 2;
    if (end < view.startS || end - hopS > view.startS + view.spanS) continue;
    const word = names[strongest(outputs.record(i))] as string;
    const last = bands.at(-1);
    if (last?.word === word && !history.sleptBefore(i)) last.end = end;
    else bands.push({ word, start: end - hopS, end });
  }
  return bands;
}

export interface StateOptions {
  reading: Reading;
  delayS: number;
  hopS: number;
  said?: Said[];
  colourOf: (label: string) => string;
}

/** Draws the states of the script, if there is one, and below them those of the model. */
export function drawStates(brush: Brush, scene: Scene, { reading, delayS, hopS, said, colourOf }: StateOptions): void {
  const { view, history } = scene;
  const seen = said
    ?.filter(({ start, end }) => end > view.startS && start < Math.min(history.endS, view.startS + view.spanS))
    .map((one) => ({ ...one, end: Math.min(one.end, history.endS) }));
  if (seen) drawBands(brush, scene, seen, [0, 20], colourOf);
  drawBands(brush, scene, statesOf(history, reading, view, delayS, hopS), [said ? 24 : 2, 20], colourOf);
}

export function drawMarks(brush: Brush, { view }: Scene, heard: Detection[], colourOf: (label: string) => string): void {
  const { context, gutter, height, x } = brush;
  for (const { label, timeMs } of heard) {
    const seconds = timeMs / 1000;
    if (seconds < view.startS || seconds > view.startS + view.spanS) continue;
    const at = x(seconds);
    if (at < gutter) continue;
    context.fillStyle = colourOf(label);
    context.globalAlpha = 0.75;
    context.fillRect(Math.round(at) - 1, 0, 1.5, height);
    context.globalAlpha = 1;
  }
}
