/**
 * What reaches a terminal: everything that the command line prints goes through here.
 *
 * In: text with names, labels and messages out of files.  Out: the same on stdout or stderr, control
 * characters as `\uXXXX`, but for newline and tab.
 * Rule: the command's own sequences (colours, an emptied line) carry a number that was drawn at the start and
 * that no file can know; they alone pass, without the number. A stream that is no terminal gets none of them.
 * On a terminal no word is broken at the end of a line.
 */
import pc from 'picocolors';
import { printable, printableLines } from '../../models/printable.ts';
import { fitLines } from './wrap.ts';

/**
 * Parameters of four digits, as long as programs that measure coloured text take them. Empty until
 * guardStreams.
 */
let mark = '';

export type Colours = ReturnType<typeof pc.createColors>;

const marked = (sequence: string): string => sequence.replaceAll('\x1b[', `\x1b[${mark}`);

/** `paint` with its own sequences marked, and not those of the text. */
const own = (paint: (text: string) => string): ((text: string | number) => string) => {
  const [open = '', close = ''] = paint('\0').split('\0').map(marked);
  return (text) => open + text + close;
};

/** Colours for a stream: only on a terminal, and never with NO_COLOR. */
export function coloursFor(stream: { isTTY?: boolean }): Colours {
  const colours = pc.createColors(Boolean(stream.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb');
  if (!colours.isColorSupported) return colours;
  const all = Object.entries(colours).map(([name, paint]) => [name, typeof paint === 'function' ? own(paint) : paint]);
  return Object.fromEntries(all) as Colours;
}

/** Columns for which texts are made, where a terminal has fewer. */
const narrowest = 40;

/**
 * Columns of a terminal, or what COLUMNS says of another stream; undefined where lines may be as long as they
 * are.
 */
export function columnsOf(stream: { columns?: number }): number | undefined {
  const columns = stream.columns || Number(process.env.COLUMNS);
  return columns > 0 ? Math.max(narrowest, Math.floor(columns)) : undefined;
}

/** Empties the line that the cursor stands in; a stream that is no terminal gets nothing. */
export const emptyLine = (stream: { isTTY?: boolean }): string =>
  stream.isTTY ? `${mark === '' ? '\r' : ''}${marked('\x1b[K')}` : '';

const rawWrite = new Map<NodeJS.WriteStream, NodeJS.WriteStream['write']>();

/**
 * The stream as it was, for programs that move the cursor themselves; they get no text of a file that is not
 * printable.
 */
export const rawStream = (stream: NodeJS.WriteStream): NodeJS.WriteStream =>
  Object.create(stream, { write: { value: (rawWrite.get(stream) ?? stream.write).bind(stream) } });

/** Text in which all but the command's own sequences went through `rule`; `kept` says how those are given. */
function without(text: string, rule: (part: string) => string, kept: (found: string, numbers: string, end: string) => string) {
  let [out, at] = ['', 0];
  for (const match of text.matchAll(new RegExp(`\x1b\\[${mark}([\\d;]*)([mK])`, 'g'))) {
    const [found, numbers, end] = match as unknown as [string, string, string];
    out += rule(text.slice(at, match.index)) + kept(found, numbers, end);
    at = match.index + found.length;
  }
  return out + rule(text.slice(at));
}

/** Text as it may be written. */
const clean = (text: string): string =>
  without(text, printableLines, (_, numbers, end) => (end === 'K' ? '\r\x1b[K' : `\x1b[${numbers}m`));

/**
 * Text of one line, a cell of a table for example: a newline in it is shown as `\u000a`, the command's own
 * sequences stay.
 */
export const oneLine = (text: string): string => without(text, printable, (found) => found);

/** From now on nothing but clean text leaves this process by stdout and stderr. */
export function guardStreams(): void {
  if (mark !== '') return;
  const numbers = crypto.getRandomValues(new Uint16Array(3));
  mark = Array.from(numbers, (n) => `${1000 + (n % 9000)};`).join('');
  for (const stream of [process.stdout, process.stderr]) {
    const { write } = stream;
    rawWrite.set(stream, write);
    type Done = (error?: Error | null) => void;
    const plain = write.bind(stream) as (text: string, done?: Done) => boolean;
    const guarded = (chunk: string | Uint8Array, encoding?: unknown, done?: Done): boolean => {
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      const lines = stream.isTTY && stream.columns ? fitLines(text, Math.max(narrowest, stream.columns)) : text;
      return plain(clean(lines), typeof encoding === 'function' ? (encoding as Done) : done);
    };
    stream.write = guarded as typeof stream.write;
  }
}
