/**
 * The gateway's log: a line of JSON for each entry, or, on a terminal, a line for people.
 *
 * In: a level, fields that every entry has, the stream.  Out: a pino logger. On a terminal: time, level,
 * text, then the fields as name=value. Texts come from clients and files, so control characters are shown as
 * codes; an error's stack follows on lines of its own.
 */
import { type Logger, pino } from 'pino';
import { printable, printableLines } from '../../models/printable.ts';
import { coloursFor } from '../report/terminal.ts';

/** What is written to: stderr. */
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

/** An entry as a line of pino has it, for people. @param colours of the terminal. */
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
 * What cannot be written, since a disk is full or nobody reads any longer, is lost: a log never ends what it
 * tells about, and its own failure is no entry.
 * @param base fields of every entry.
 */
export function gatewayLog(level: string, base: Record<string, unknown>, stream: LogStream = process.stderr): Logger {
  const colours = stream.isTTY ? coloursFor(stream as NodeJS.WriteStream) : undefined;
  const write = (line: string): void => {
    try {
      stream.write(colours ? entryText(line, colours) : line);
    } catch {
      // a file says so here, a pipe by its event
    }
  };
  stream.on?.('error', () => {});
  return pino({ level, base }, { write });
}
