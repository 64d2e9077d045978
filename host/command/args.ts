/**
 * Output, errors and exit codes of all verbs.
 *
 * Results go to stdout, progress and errors to stderr. Exit codes: 0 success, 1 failed check or bug, 2 wrong
 * command line, 3 unsupported model (RN1xx to RN3xx), 4 failed input, output or remote, 130 interrupted.
 */
import { stripVTControlCharacters } from 'node:util';
import { isRunletError, RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { coloursFor } from '../report/terminal.ts';

export { coloursFor } from '../report/terminal.ts';

export const exitCodes = { ok: 0, checkFailed: 1, usage: 2, unsupported: 3, io: 4, interrupted: 130 } as const;

/**
 * Codes that mean a wrong command line. Among them are 506 and 507 (a front end that cannot be made or does
 * not fit), 512 (C code for a target that has none) and 794 (no layer for --swap).
 */
const usageCodes = new Set(
  [
    435, 437, 506, 507, 512, 721, 722, 723, 726, 733, 736, 738, 739, 740, 741, 742, 747, 748, 750, 751, 753, 754, 761, 763, 766,
    767, 770, 771, 773, 774, 775, 776, 777, 778, 794, 796, 852, 862, 895,
  ].map((n) => `RN${n}`),
);
/**
 * Codes that mean a failed check: a bad signature, a failed self-test, a benchmark outside its bounds, a
 * refusal by a gateway (RN801, RN810, RN815 to RN840) or a device (RN887, RN888), a stopped rollout (RN857),
 * a recalibrated model that does not fit its slot or is worse (RN797, RN798).
 */
const checkCodes = new Set(
  [608, 609, 610, 713, 793, 797, 798, 801, 810, 857, 887, 888, ...Array.from({ length: 26 }, (_, i) => 815 + i)].map(
    (n) => `RN${n}`,
  ),
);

/** Returns the exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (isRunletError(error)) {
    if (checkCodes.has(error.code)) return exitCodes.checkFailed;
    if (usageCodes.has(error.code)) return exitCodes.usage;
    if (/^RN[123]/.test(error.code)) return exitCodes.unsupported;
    return /^RN[45]/.test(error.code) ? exitCodes.checkFailed : exitCodes.io;
  }
  return error instanceof Error && 'syscall' in error ? exitCodes.io : exitCodes.checkFailed;
}

/** `closed` is true once the reader of stdout is gone (`| head`). This is no failure. main.ts sets it. */
export const output = { closed: false };

/** Prints to stdout and waits until the reader keeps up (back-pressure). */
export async function print(text: string): Promise<void> {
  if (output.closed || process.stdout.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      process.stdout.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    process.stdout.on('drain', done).on('close', done).on('error', done);
  });
}

/** Formats an error for people: code and what, then where, why and what to try, one line each. */
function errorText(error: unknown, colours = coloursFor(process.stderr)): string {
  if (!isRunletError(error)) {
    const known = error instanceof Error && 'syscall' in error;
    if (known) return colours.red(printable(stripVTControlCharacters((error as Error).message)));
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${colours.red('This is a bug in Runlet:')} ${text.replaceAll('\n', '\n        ')}`;
  }
  const { what, where, why, tryThis } = error.parts;
  const line = (name: string, text?: string) => (text ? [`  ${colours.dim(name.padEnd(5))} ${text}`] : []);
  return [
    colours.red(`${colours.bold(error.code)} ${what}`),
    ...line('where', where),
    ...line('why', why),
    ...line('try', tryThis),
  ].join('\n');
}

/** Prints an error to stderr, sets the exit code, and with `json` also prints it as JSON to stdout. */
export function reportError(error: unknown, json: boolean): void {
  process.stderr.write(`${errorText(error)}\n`);
  if (json) {
    const parts = isRunletError(error)
      ? { code: error.code, ...error.parts }
      : { what: stripVTControlCharacters(error instanceof Error ? error.message : String(error)) };
    process.stdout.write(`${JSON.stringify({ error: parts })}\n`);
  }
  process.exitCode = exitCodeOf(error);
}

/** Prints a result as one line of JSON. */
export const printJson = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/** Makes the error RN740: an option does not accept the value. */
export const badOption = (option: string, value: string, wants: string): RunletError =>
  new RunletError('RN740', { what: `'${value}' is not a value for --${option}`, where: `--${option}`, why: `it takes ${wants}` });

export const kebab = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
