/**
 * Plain tables for terminals, aligned, without borders.
 *
 * In: rows of text or numbers.  Out: lines; numbers to the right. Colour only where the caller says so. cli-table3 measures wide
 * and coloured characters.
 */

import Table from 'cli-table3';
import { append, maxOf } from '../../models/lists.ts';
import { coloursFor, oneLine } from './terminal.ts';

export type Cell = string | number;

export interface TableOptions {
  /** Titles of the columns. */
  head?: string[];
  /** Bold titles; give it whether the stream is a terminal. */
  colour?: boolean;
  /** Blanks before each line. */
  indent?: number;
}

const noBorders = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((part) => [part, '']),
);

/** A whole number with commas, any other with up to 4 significant digits more than zeros. */
const shown = (cell: Cell): string =>
  typeof cell === 'string'
    ? oneLine(cell)
    : Number.isInteger(cell)
      ? cell.toLocaleString('en')
      : `${Number(cell.toPrecision(4))}`;

/** Renders a table; no newline at the end. A column is aligned to the right where all its cells are numbers. */
export function table(rows: Cell[][], options: TableOptions = {}): string {
  const { head, colour = false, indent = 0 } = options;
  const columns = Math.max(head?.length ?? 0, maxOf(rows.map((row) => row.length)));
  const numeric = Array.from({ length: columns }, (_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  const grid = new Table({
    chars: { ...noBorders, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: numeric.map((n) => (n ? 'right' : 'left')),
    head: colour ? (head ?? []).map(coloursFor({ isTTY: true }).bold) : (head ?? []),
  });
  append(
    grid,
    rows.map((row) => Array.from({ length: columns }, (_, i) => shown(row[i] ?? ''))),
  );
  return grid
    .toString()
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}`.trimEnd())
    .join('\n');
}

/** Bytes for people: `640 B`, `48.3 KB` (1 KB = 1,000 B). */
export const bytesText = (bytes: number): string =>
  bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(2)} MB`;
