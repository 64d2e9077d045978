/**
 * The words that were heard, above their time, like captions; and a line through the other lanes.
 *
 * In: a scene and detections in order.  Out: pixels.  Where two would overlap the later has its mark alone.
 */
import type { Detection } from '../../session/index.ts';
import { type Brush, font, type Scene } from './lane.ts';

export function drawWords(brush: Brush, { view }: Scene, heard: Detection[], colourOf: (label: string) => string): void {
  const { context, gutter, width, height, x } = brush;
  context.font = font(13, 600);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  let free = Number.NEGATIVE_INFINITY;
  for (const { label, timeMs } of heard) {
    const at = x(timeMs / 1000);
    if (timeMs / 1000 > view.startS + view.spanS) break;
    const textWidth = context.measureText(label).width;
    if (at < gutter - textWidth) continue;
    context.fillStyle = colourOf(label);
    if (at >= gutter) context.fillRect(Math.round(at) - 1, 4, 2, height - 4);
    const left = Math.min(Math.max(gutter, at + 5), width - textWidth);
    if (left < free || at < gutter) continue;
    context.fillText(label, left, height / 2 + 1);
    free = left + textWidth + 8;
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
    context.globalAlpha = 0.8;
    context.fillRect(Math.round(at) - 1, 0, 2, height);
    context.globalAlpha = 1;
  }
}
