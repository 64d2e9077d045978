/**
 * The gateway's log: one line of JSON per entry, or, on a terminal, a readable line.
 *
 * In: a level, the fields of every entry, the stream.  Out: a pino logger. A line on a terminal has time,
 * level, text, then the fields as name=value; an error's stack follows on further lines. Control characters
 * are shown as codes, because texts may come from clients and files.
 */
import { type Logger, pino } from 'pino';
import { printable, printableLines } from '../../models/printable.ts';
import { coloursFor } from '../report/terminal.ts';

/** The part of a stream (stderr) that the log uses. */
export interface LogStream {
  isTTY?: boolean;
  write(text: string): unknown;
  on?(event: 'error', listener: () => void): unknown;
}

type Colours = ReturnType<typeof coloursFor>;
interface Entry {
  level: number;
  time: number;
  msg?: string;
  err?: { type?: string; message?: string; stack?: string };
  [field: string]: unknown;
}

const names: [level: number, name: string, paint: keyof Colours][] = [
  [20, 'DEBUG', 'dim'],
  [30, 'INFO', 'green'],
  [40, 'WARN', 'yellow'],
  [50, 'ERROR', 'red'],
];

const valueText = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return printable(typeof value === 'string' && !/^[^\s"=]+$/.test(text) ? JSON.stringify(text) : String(text));
};

/** Returns a readable line for an entry. @param line the entry as pino writes it. */
export function entryText(line: string, colours: Colours): string {
  const { level, time, msg = '', err, ...fields } = JSON.parse(line) as Entry;
  const [, name, paint] = names.findLast(([from]) => level >= from) ?? (names[0] as (typeof names)[number]);
  const clock = new Date(time).toLocaleTimeString('en-GB');
  const rest = Object.entries(fields).map(([key, value]) => `${printable(key)}=${valueText(value)}`);
  const head = `${colours.dim(clock)} ${(colours[paint] as (text: string) => string)(name.padEnd(5))} ${colours.bold(printable(msg))}`;
  const stack = err ? `\n  ${printableLines(err.stack ?? `${err.type}: ${err.message}`).replaceAll('\n', '\n  ')}` : '';
  return `${head}${rest.length > 0 ? `  ${colours.dim(rest.join(' '))}` : ''}${stack}\n`;
}

/**
 * Creates the log. Entries that cannot be written (full disk, closed pipe) are lost without an error.
 * @param base fields of every entry.
 */
export function gatewayLog(level: string, base: Record<string, unknown>, stream: LogStream = process.stderr): Logger {
  const colours = stream.isTTY ? coloursFor(stream as NodeJS.WriteStream) : undefined;
  const write = (line: string): void => {
    try {
      stream.write(colours ? entryText(line, colours) : line);
    } catch {
      // a file throws here, a pipe emits an event
    }
  };
  stream.on?.('error', () => {});
  return pino({ level, base }, { write });
}
