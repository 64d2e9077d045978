/**
 * The gate: the value that it compares with its threshold, over the times at which it was open.
 *
 * In: a view and a gate's history.  Out: pixels.
 */
import type { GateHistory } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { Brush, Scene } from './lane.ts';
import { drawScores } from './scores.ts';

export interface ShownGate {
  history: GateHistory;
  reading: Reading;
  threshold: number;
  /** Name of the value, such as `vad`. */
  title: string;
}

/** Height of the bar that shows when the gate is open, in CSS pixels. */
const barHeight = 6;

export function drawGate(brush: Brush, { view, palette }: Scene, { history, reading, threshold, title }: ShownGate): void {
  const { context, gutter, width, height, x } = brush;
  for (const { startS, endS = history.endS } of history.open) {
    const [left, right] = [Math.max(gutter, x(startS)), Math.min(width, x(endS))];
    if (right <= left) continue;
    context.fillStyle = palette.accent;
    context.globalAlpha = 0.14;
    context.fillRect(left, 0, Math.max(1, right - left), height);
    context.globalAlpha = 1;
    context.fillRect(left, height - barHeight, Math.max(1, right - left), barHeight);
  }
  const curve = { ...brush, height: height - barHeight };
  drawScores(curve, { view, palette, history }, { reading, cutoff: threshold, colours: [palette.ink], title });
}
