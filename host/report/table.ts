/**
 * Plain tables for terminals: aligned, without borders.
 *
 * In: rows of text or numbers, the width of the terminal.  Out: lines; numbers are right-aligned. cli-table3
 * measures wide and coloured characters. If a line would be too long, first the columns that the caller names
 * are hidden, then texts are truncated, then the last columns are hidden. A last line lists the hidden ones.
 */

import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import { append, maxOf } from '../../models/lists.ts';
import { coloursFor, columnsOf, oneLine } from './terminal.ts';
import { wrap } from './wrap.ts';

export type Cell = string | number;

export interface TableOptions {
  /** Titles of the columns. */
  head?: string[];
  /** True to print the titles bold; only for a terminal. */
  colour?: boolean;
  /** Number of spaces before each line. Default: 0. */
  indent?: number;
  /** Titles of the columns that may be hidden, in this order. */
  spare?: readonly string[];
  /** Maximum characters in a line. Default: the width of stdout. */
  columns?: number;
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

/** Formats a cell: an integer with commas, any other number with up to 4 significant digits. */
const shown = (cell: Cell): string =>
  typeof cell === 'string'
    ? oneLine(cell)
    : Number.isInteger(cell)
      ? cell.toLocaleString('en')
      : `${Number(cell.toPrecision(4))}`;

/** Number of spaces between columns, and minimum width of a truncated text. */
const [between, minText] = [2, 12];

const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/** Truncates a text to `width` characters. A name (no spaces) keeps its end, other text its beginning. */
function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const plain = stripVTControlCharacters(text);
  return /^\S*$/.test(plain) ? `…${plain.slice(1 - width)}` : `${plain.slice(0, width - 1).trimEnd()}…`;
}

/** Chooses the columns to show and their maximum widths, so that a line has at most `room` characters. */
function fitted(widths: number[], texts: boolean[], titles: readonly string[], spare: readonly string[], room: number) {
  const shown = widths.map((_, i) => i);
  const limits = [...widths];
  const sum = () => shown.reduce((n, i) => n + (limits[i] as number), 0) + between * (shown.length - 1);
  const hide = (column: number | undefined) => {
    if (column !== undefined && shown.includes(column)) shown.splice(shown.indexOf(column), 1);
  };
  for (const title of spare) if (sum() > room) hide(titles.indexOf(title));
  const shrink = () => {
    while (sum() > room) {
      const wide = shown.filter((i) => texts[i] && (limits[i] as number) > minText);
      if (wide.length === 0) return;
      const widest = wide.reduce((a, b) => ((limits[b] as number) > (limits[a] as number) ? b : a));
      limits[widest] = Math.max(minText, (limits[widest] as number) - (sum() - room));
    }
  };
  for (shrink(); sum() > room && shown.length > 1; shrink()) hide(shown.at(-1));
  return { shown, limits };
}

/** Renders a table without a newline at the end. A column is right-aligned if all its cells are numbers. */
export function table(rows: Cell[][], options: TableOptions = {}): string {
  const {
    head = [],
    colour = false,
    indent = 0,
    spare = [],
    columns: room = columnsOf(process.stdout) ?? Number.POSITIVE_INFINITY,
  } = options;
  const count = Math.max(head.length, maxOf(rows.map((row) => row.length)));
  const all = Array.from({ length: count }, (_, i) => i);
  const cells = rows.map((row) => all.map((i) => shown(row[i] ?? '')));
  const numeric = all.map((i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  const widths = all.map((i) => Math.max(widthOf(head[i] ?? ''), maxOf(cells.map((row) => widthOf(row[i] as string)))));
  const fit = fitted(
    widths,
    numeric.map((n) => !n),
    head,
    spare,
    room - indent,
  );
  const grid = new Table({
    chars: { ...noBorders, middle: ' '.repeat(between) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: fit.shown.map((i) => (numeric[i] ? 'right' : 'left')),
    head: head.length > 0 ? fit.shown.map((i) => (colour ? coloursFor({ isTTY: true }).bold : String)(head[i] ?? '')) : [],
  });
  append(
    grid,
    cells.map((row) => fit.shown.map((i) => cut(row[i] as string, fit.limits[i] as number))),
  );
  const lines = grid.toString().split('\n');
  const left = all.filter((i) => !fit.shown.includes(i) && head[i]).map((i) => head[i]);
  if (left.length > 0) append(lines, wrap(`not shown here: ${left.join(', ')}`, room - indent).split('\n'));
  return lines.map((line) => `${' '.repeat(indent)}${line}`.trimEnd()).join('\n');
}
