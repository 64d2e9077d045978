/**
 * Draws small plots of a series in a terminal.
 *
 * In: values.  Out: one line of block characters, or a few lines of braille (2 x 4 dots per character) with
 * the range on the left. Long series are reduced to their envelope, so peaks stay visible. NaN leaves a gap.
 */
import { maxOf } from '../../models/lists.ts';
import { envelope } from './envelope.ts';

const blocks = '▁▂▃▄▅▆▇█';

/** Returns the range of the values without NaN; [0, 1] if there are none, widened if all are equal. */
function rangeOf(values: ArrayLike<number>): [low: number, high: number] {
  const { low, high } = envelope(values, 1);
  const [min, max] = [low[0] ?? Number.NaN, high[0] ?? Number.NaN];
  if (Number.isNaN(min)) return [0, 1];
  return min < max ? [min, max] : [min - 0.5, max + 0.5];
}

/** Draws one line of at most `columns` block characters, the newest values on the right. */
export function sparkline(values: ArrayLike<number>, columns: number): string {
  const [min, max] = rangeOf(values);
  const { low, high } = envelope(values, columns);
  return Array.from(low, (value, i) => {
    const middle = (value + (high[i] as number)) / 2;
    return Number.isNaN(middle) ? ' ' : blocks[Math.min(7, Math.floor((8 * (middle - min)) / (max - min)))];
  }).join('');
}

/** Returns the bit of dot (x, y) in a braille character (Unicode, U+2800); y counts from the top. */
const dot = (x: number, y: number): number => (y === 3 ? 0x40 << x : 1 << (y + 3 * x));

/** Formats a number for an axis with 4 significant digits. */
const tick = (value: number): string => `${Number(value.toPrecision(4))}`;

export interface BraillePlotOptions {
  /** Size in characters, without the labels. */
  columns: number;
  rows: number;
  unit?: string;
}

/** Draws a plot of `rows` lines, with the largest and smallest value on the left. */
export function braillePlot(values: ArrayLike<number>, options: BraillePlotOptions): string[] {
  const { columns, rows, unit } = options;
  const [min, max] = rangeOf(values);
  const { low, high } = envelope(values, 2 * columns);
  const cells = new Uint8Array(rows * columns);
  const bottom = 4 * rows - 1;
  const heightOf = (value: number) => Math.round((bottom * (max - value)) / (max - min));
  let before = Number.NaN;
  const across = low.length;
  for (let i = 0; i < across; i++) {
    if (Number.isNaN(low[i] as number)) {
      before = Number.NaN;
      continue;
    }
    let top = heightOf(high[i] as number);
    let end = heightOf(low[i] as number);
    // join to the column before, so that a steep line has no holes
    if (before < top) top = before + 1;
    if (before > end) end = before - 1;
    before = heightOf(((low[i] as number) + (high[i] as number)) / 2);
    // stretch a short series to the whole width
    const x0 = Math.floor((i * 2 * columns) / across);
    const x1 = Math.floor(((i + 1) * 2 * columns) / across);
    for (let x = x0; x < x1; x++) {
      for (let y = top; y <= end; y++) {
        const cell = (y >> 2) * columns + (x >> 1);
        cells[cell] = (cells[cell] as number) | dot(x & 1, y & 3);
      }
      [top, end] = [before, before];
    }
  }
  const labels = [`${tick(max)}${unit ? ` ${unit}` : ''}`, tick(min)];
  const width = maxOf(labels.map((label) => label.length));
  return Array.from({ length: rows }, (_, row) => {
    const label = row === 0 ? labels[0] : row === rows - 1 ? labels[1] : '';
    const line = Array.from(cells.subarray(row * columns, (row + 1) * columns), (bits) => String.fromCharCode(0x2800 + bits));
    return `${(label as string).padStart(width)} │${line.join('')}`;
  });
}
