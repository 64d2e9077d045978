/**
 * Plain tables for terminals, aligned, without borders.
 *
 * In: rows of text or numbers, the columns of the terminal.  Out: lines; numbers to the right. Colour only
 * where the caller says so. cli-table3 measures wide and coloured characters. Where a line would be longer
 * than the terminal, columns are left out, those first that the caller names, and a last line says which;
 * then texts are cut. Nothing is wrapped.
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
  /** Bold titles; give it whether the stream is a terminal. */
  colour?: boolean;
  /** Blanks before each line. */
  indent?: number;
  /** Titles of columns that may be left out, the first first. */
  spare?: readonly string[];
  /** Characters of a line; by default those of stdout. */
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

/** A whole number with commas, any other with up to 4 significant digits more than zeros. */
const shown = (cell: Cell): string =>
  typeof cell === 'string'
    ? oneLine(cell)
    : Number.isInteger(cell)
      ? cell.toLocaleString('en')
      : `${Number(cell.toPrecision(4))}`;

/** Blanks between columns; a text that is cut keeps so many characters. */
const [between, leastText] = [2, 12];

const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/**
 * A text of at most `width` characters: of a name, which has no blanks, the end is kept, of others the
 * beginning.
 */
function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const plain = stripVTControlCharacters(text);
  return /^\S*$/.test(plain) ? `…${plain.slice(1 - width)}` : `${plain.slice(0, width - 1).trimEnd()}…`;
}

/** Which columns are shown, and how wide each may be, so that a line has at most `room` characters. */
function fitted(widths: number[], texts: boolean[], titles: readonly string[], spare: readonly string[], room: number) {
  const shown = widths.map((_, i) => i);
  const most = [...widths];
  const sum = () => shown.reduce((n, i) => n + (most[i] as number), 0) + between * (shown.length - 1);
  const leaveOut = (column: number | undefined) => {
    if (column !== undefined && shown.includes(column)) shown.splice(shown.indexOf(column), 1);
  };
  for (const title of spare) if (sum() > room) leaveOut(titles.indexOf(title));
  const shrink = () => {
    while (sum() > room) {
      const wide = shown.filter((i) => texts[i] && (most[i] as number) > leastText);
      if (wide.length === 0) return;
      const widest = wide.reduce((a, b) => ((most[b] as number) > (most[a] as number) ? b : a));
      most[widest] = Math.max(leastText, (most[widest] as number) - (sum() - room));
    }
  };
  for (shrink(); sum() > room && shown.length > 1; shrink()) leaveOut(shown.at(-1));
  return { shown, most };
}

/**
 * Renders a table; no newline at the end. A column is aligned to the right where all its cells are numbers.
 */
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
    cells.map((row) => fit.shown.map((i) => cut(row[i] as string, fit.most[i] as number))),
  );
  const lines = grid.toString().split('\n');
  const left = all.filter((i) => !fit.shown.includes(i) && head[i]).map((i) => head[i]);
  if (left.length > 0) append(lines, wrap(`not shown here: ${left.join(', ')}`, room - indent).split('\n'));
  return lines.map((line) => `${' '.repeat(indent)}${line}`.trimEnd()).join('\n');
}
