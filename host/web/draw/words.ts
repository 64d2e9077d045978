/**
 * The words that were heard, above their time, like captions; and a line through the other lanes.
 *
 * In: a scene and detections in order.  Out: pixels.  Where two would overlap the later has its mark alone.
 */
import type { Detection } from '../../session/index.ts';
import type { Said } from '../protocol.ts';
import { type Brush, font, gutterText, type Scene } from './lane.ts';

export function drawWords(brush: Brush, { view, palette }: Scene, heard: Detection[], colourOf: (label: string) => string): void {
  const { context, width, height, x } = brush;
  const seen = heard.filter(({ timeMs }) => timeMs / 1000 >= view.startS && timeMs / 1000 <= view.startS + view.spanS);
  for (const { label, timeMs } of seen) {
    context.fillStyle = colourOf(label);
    context.fillRect(Math.round(x(timeMs / 1000)) - 1, height - 20, 2, 20);
  }
  context.font = font(13, 600);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  // words stand out from the lines of those that follow
  context.strokeStyle = palette.paper;
  context.lineWidth = 4;
  context.lineJoin = 'round';
  let free = Number.NEGATIVE_INFINITY;
  for (const { label, timeMs } of seen) {
    const textWidth = context.measureText(label).width;
    const at = x(timeMs / 1000);
    const left = at + 5 + textWidth > width ? at - 6 - textWidth : at + 5;
    if (left < free) continue;
    context.strokeText(label, left, height - 11);
    context.fillStyle = colourOf(label);
    context.fillText(label, left, height - 11);
    free = left + textWidth + 8;
  }
}

/** What is said, as a script has it: bars over its time with the word, above what is heard. */
export function drawSaid(brush: Brush, { view, palette, history }: Scene, said: Said[]): void {
  const { context, gutter, width, x } = brush;
  gutterText(brush, 'said', 9, palette.soft);
  gutterText(brush, 'heard', brush.height - 11, palette.soft);
  context.font = font(12);
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillStyle = palette.soft;
  let free = Number.NEGATIVE_INFINITY;
  for (const { word, start, end } of said) {
    if (end < view.startS || start > Math.min(view.startS + view.spanS, history.endS)) continue;
    const left = Math.max(gutter, x(start));
    context.fillRect(left, 18, Math.max(2, Math.min(width, x(end)) - left), 2);
    const textWidth = context.measureText(word).width;
    if (left < free || left + textWidth > width) continue;
    context.fillText(word, left, 9);
    free = left + textWidth + 6;
  }
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
