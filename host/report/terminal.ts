/**
 * Protects the terminal: all output of the command line goes through here.
 *
 * In: text with names, labels and messages from files.  Out: the same text on stdout or stderr; control
 * characters except newline and tab are shown as `\uXXXX`.
 * Rule: the command's own escape sequences (colours, clearing a line) contain a random number that is chosen
 * at the start, so no file can contain it. Only these sequences pass, without the number. A stream that is
 * not a terminal gets none of them. On a terminal, lines are broken between words.
 */
import pc from 'picocolors';
import { printable, printableLines } from '../../models/printable.ts';
import { fitLines } from './wrap.ts';

/**
 * The random number, as parameters of an escape sequence: four digits each, the longest form that programs
 * that measure coloured text accept. Empty until guardStreams.
 */
let mark = '';

export type Colours = ReturnType<typeof pc.createColors>;

const marked = (sequence: string): string => sequence.replaceAll('\x1b[', `\x1b[${mark}`);

/** Returns `paint` with its escape sequences marked; sequences in the text stay unmarked. */
const markedPaint = (paint: (text: string) => string): ((text: string | number) => string) => {
  const [open = '', close = ''] = paint('\0').split('\0').map(marked);
  return (text) => open + text + close;
};

/** Returns the colours for a stream: only for a terminal, and never with NO_COLOR. */
export function coloursFor(stream: { isTTY?: boolean }): Colours {
  const colours = pc.createColors(Boolean(stream.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb');
  if (!colours.isColorSupported) return colours;
  const all = Object.entries(colours).map(([name, paint]) => [name, typeof paint === 'function' ? markedPaint(paint) : paint]);
  return Object.fromEntries(all) as Colours;
}

/** Minimum width that text is formatted for, in columns. */
const minColumns = 40;

/** Returns the width of a terminal, else the value of COLUMNS; undefined if lines may have any length. */
export function columnsOf(stream: { columns?: number }): number | undefined {
  const columns = stream.columns || Number(process.env.COLUMNS);
  return columns > 0 ? Math.max(minColumns, Math.floor(columns)) : undefined;
}

/** Returns the sequence that clears the cursor's line; empty for a stream that is not a terminal. */
export const emptyLine = (stream: { isTTY?: boolean }): string =>
  stream.isTTY ? `${mark === '' ? '\r' : ''}${marked('\x1b[K')}` : '';

const rawWrite = new Map<NodeJS.WriteStream, NodeJS.WriteStream['write']>();

/**
 * Returns the unguarded stream, for code that moves the cursor itself. Text from files must be made printable
 * first.
 */
export const rawStream = (stream: NodeJS.WriteStream): NodeJS.WriteStream =>
  Object.create(stream, { write: { value: (rawWrite.get(stream) ?? stream.write).bind(stream) } });

/** Applies `rule` to the text between the command's own sequences, and `kept` to these sequences. */
function without(text: string, rule: (part: string) => string, kept: (found: string, numbers: string, end: string) => string) {
  let [out, at] = ['', 0];
  for (const match of text.matchAll(new RegExp(`\x1b\\[${mark}([\\d;]*)([mK])`, 'g'))) {
    const [found, numbers, end] = match as unknown as [string, string, string];
    out += rule(text.slice(at, match.index)) + kept(found, numbers, end);
    at = match.index + found.length;
  }
  return out + rule(text.slice(at));
}

/** Makes text safe to write: the mark is removed from own sequences, other control characters are escaped. */
const clean = (text: string): string =>
  without(text, printableLines, (_, numbers, end) => (end === 'K' ? '\r\x1b[K' : `\x1b[${numbers}m`));

/** Makes text a single line, for example a table cell: newlines become `\u000a`; own sequences stay. */
export const oneLine = (text: string): string => without(text, printable, (found) => found);

/** Guards stdout and stderr: from now on everything written to them is made safe. */
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
      const lines = stream.isTTY && stream.columns ? fitLines(text, Math.max(minColumns, stream.columns)) : text;
      return plain(clean(lines), typeof encoding === 'function' ? (encoding as Done) : done);
    };
    stream.write = guarded as typeof stream.write;
  }
}
