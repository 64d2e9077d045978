/**
 * A lane: a canvas with a gutter for names on the left, and time to the right.
 *
 * In: an element, a view (seconds across the lane).  Out: a context in CSS pixels, scaled for the screen, and
 * the x position of a time.
 */
import type { History } from '../history.ts';
import type { Palette } from '../palette.ts';

/** Range of time that is shown, in seconds. */
export interface View {
  startS: number;
  spanS: number;
}

export interface Scene {
  view: View;
  history: History;
  palette: Palette;
}

export interface Brush {
  context: CanvasRenderingContext2D;
  /** Size of the canvas in CSS pixels. */
  width: number;
  height: number;
  gutter: number;
  /** Device pixels per CSS pixel. */
  ratio: number;
  x: (seconds: number) => number;
}

export const font = (px: number, weight = 400): string =>
  `${weight} ${px}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;

export const gutterOf = (width: number): number => (width < 520 ? 58 : 92);

export class Lane {
  readonly canvas: HTMLCanvasElement;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
  }

  /** Clears the canvas and resizes it to its element. */
  brush({ startS, spanS }: View): Brush {
    const { canvas } = this;
    const ratio = Math.max(1, globalThis.devicePixelRatio);
    const { clientWidth: width, clientHeight: height } = canvas;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const gutter = gutterOf(width);
    return {
      context,
      width,
      height,
      gutter,
      ratio,
      x: (seconds) => gutter + ((seconds - startS) / spanS) * (width - gutter),
    };
  }
}

/** Draws a name in the gutter, right-aligned and cut to its width. */
export function gutterText(
  { context, gutter }: Brush,
  text: string,
  y: number,
  colour: string,
  px = gutter < 80 ? 11 : 12,
  weight = 400,
): void {
  context.font = font(px, weight);
  context.fillStyle = colour;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  let shown = text;
  while (shown.length > 2 && context.measureText(shown).width > gutter - 8) shown = `${shown.slice(0, -2)}…`;
  context.fillText(shown, gutter - 8, y);
}
