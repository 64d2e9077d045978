/**
 * The time axis, with as many marks at round times as fit.
 *
 * In: a view.  Out: pixels; times as m:ss.
 */

import type { Palette } from '../palette.ts';
import { type Brush, font, type View } from './lane.ts';

const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];

export const clockText = (seconds: number, digits = 0): string => {
  const sign = seconds < 0 ? '-' : '';
  const total = Math.abs(Number(seconds.toFixed(digits)));
  const minutes = Math.floor(total / 60);
  const rest = (total - 60 * minutes).toFixed(digits).padStart(digits ? digits + 3 : 2, '0');
  return `${sign}${minutes}:${rest}`;
};

/** Seconds between two marks that are at least `minPx` pixels apart. */
export const markStep = (spanS: number, widthPx: number, minPx = 64): number =>
  steps.find((step) => (step / spanS) * widthPx >= minPx) ?? 600;

export function marksOf({ startS, spanS }: View, step: number): number[] {
  const marks: number[] = [];
  for (let n = Math.ceil(startS / step - 1e-9); n * step <= startS + spanS + 1e-9; n++) marks.push(n * step);
  return marks;
}

export function drawAxis({ context, width, gutter, x }: Brush, view: View, palette: Palette): void {
  const step = markStep(view.spanS, width - gutter);
  context.strokeStyle = palette.line;
  context.beginPath();
  context.moveTo(gutter, 0.5);
  context.lineTo(width, 0.5);
  for (const seconds of marksOf(view, step)) {
    const at = Math.round(x(seconds)) + 0.5;
    context.moveTo(at, 0);
    context.lineTo(at, 5);
  }
  context.stroke();
  context.font = font(11.5);
  context.fillStyle = palette.soft;
  context.textBaseline = 'top';
  for (const seconds of marksOf(view, step)) {
    const at = x(seconds);
    const text = step < 1 ? clockText(seconds, 1) : clockText(seconds);
    const half = context.measureText(text).width / 2;
    context.textAlign = at + half > width ? 'right' : at - half < gutter ? 'left' : 'center';
    context.fillText(text, Math.min(width, Math.max(gutter, at)), 8);
  }
}
