/**
 * Chooses the columns of a CSV: the frame, the time and the truth. Also finds the rate from a time column.
 *
 * In: the header, the first row of data, and the columns that the user and the model name.
 * Out: indexes of columns. A frame consists of the columns that the user names; else those that the model
 * names, if the header has all of them; else all numeric columns except time (t, time..., timestamp) and
 * truth (the requested one, and any named label, class, target, truth, activity, beat or ..._true). If these
 * are too many, a frame consists of those with related names (ax, ay, az; ch1, ch2), if their number fits.
 */
import { RunletError } from '../../models/error.ts';
import { unitOfName } from './clock.ts';
import { numberOf, type SourceOptions, type TimeUnit, wrongElements } from './source.ts';

/** Options of csv-parse. */
export const csvRules = {
  bom: true,
  trim: true,
  comment: '#',
  comment_no_infix: true,
  skip_empty_lines: true,
  relax_column_count: true,
  delimiter: [',', ';', '\t'],
  max_record_size: 1 << 20,
};

/** Checks whether a column's name means time. */
export const isTime = (name: string): boolean =>
  /^(t|time.*|t[ _]*\(?(s|secs?|seconds|ms|msecs?|milliseconds)\)?)$/i.test(name.trim());

/** Checks whether a column's name means truth. */
const isTruth = (name: string): boolean =>
  /^(labels?|class(es)?|target|truth|ground.?truth|activity|beat|.*_true)$/i.test(name.trim());

const isEmpty = (cell: string): boolean => cell === '' || /^nan$/i.test(cell);

/** Returns the index of a column that is given by its name or by its index from 0. @throws RN726 */
function columnOf(wanted: string, names: string[] | undefined, width: number, where: string): number {
  const named = names?.indexOf(wanted) ?? -1;
  const index = named >= 0 ? named : /^\d+$/.test(wanted) ? Number(wanted) : -1;
  if (index >= 0 && index < width) return index;
  throw new RunletError('RN726', {
    what: `there is no column ${wanted}`,
    where,
    why: names ? `the columns are ${names.slice(0, 20).join(', ')}` : `there are ${width} columns and no header`,
    tryThis: 'give names from the header, or indexes from 0',
  });
}

/**
 * Returns the index of the time column: the one that the user gives, else by its name; -1 if there is none.
 * @throws RN726 if there is no such column, RN750 if several names mean time.
 */
export function timeColumn(names: string[] | undefined, width: number, where: string, time: SourceOptions['time'] = {}): number {
  if (time.column === 'none') return -1;
  if (time.column !== undefined) return columnOf(time.column, names, width, where);
  const found = (names ?? []).filter(isTime);
  if (found.length > 1)
    throw new RunletError('RN750', {
      what: 'it is not clear which column is the time',
      where,
      why: `there are ${found.join(', ')}`,
      tryThis: 'choose one with --time, or give --time none',
    });
  return found.length === 1 ? (names?.indexOf(found[0] as string) ?? -1) : -1;
}

const isText = (cell: string): boolean => !isEmpty(cell) && numberOf(cell) === undefined;

/** Returns the columns whose names differ from another one's only in an axis or a number at the end. */
function families(columns: readonly number[], names: readonly string[] | undefined): number[] {
  const stem = (i: number): string | undefined => /^(.*?)(?:[xyz]|\d+)$/i.exec(names?.[i] ?? '')?.[1];
  const count = new Map<string, number>();
  for (const i of columns) {
    const name = stem(i);
    if (name !== undefined) count.set(name, (count.get(name) ?? 0) + 1);
  }
  return columns.filter((i) => (count.get(stem(i) ?? '-') ?? 0) > 1);
}

/**
 * Returns the only column whose name means truth, else the only one that holds text; -1 if there is none or
 * `guessTruth` is not set.
 */
function guessedTruth(names: string[] | undefined, first: readonly string[], { guessTruth }: SourceOptions): number {
  if (!guessTruth || !names) return -1;
  const only = (is: (i: number) => boolean) => {
    const found = names.flatMap((_, i) => (is(i) ? [i] : []));
    return found.length === 1 ? (found[0] as number) : -1;
  };
  const named = only((i) => isTruth(names[i] as string));
  return named >= 0 ? named : only((i) => isText(first[i] as string) && !isTime(names[i] as string));
}

/** Returns the columns that hold a signal, by header and first data row: no time, no truth, no text. */
export function signalColumns(names: string[] | undefined, first: readonly string[], truth = -1): number[] {
  const isSignal = (i: number): boolean => {
    const name = names?.[i];
    if (i === truth || (name !== undefined && (isTime(name) || isTruth(name)))) return false;
    return names === undefined || !isText(first[i] as string);
  };
  return first.map((_, i) => i).filter(isSignal);
}

/** Returns the columns that make up a frame, and the truth column or -1. @throws RN722, RN726 */
export function frameColumns(
  names: string[] | undefined,
  first: readonly string[],
  where: string,
  options: SourceOptions,
): { truth: number; columns: number[] } {
  const width = first.length;
  const truth = options.truth === undefined ? guessedTruth(names, first, options) : columnOf(options.truth, names, width, where);
  const known = options.columns ?? (options.known?.every((name) => names?.includes(name)) ? options.known : undefined);
  const all = signalColumns(names, first, truth);
  const related = families(all, names);
  const columns = known
    ? known.map((name) => columnOf(name, names, width, where))
    : all.length > options.frameElements && related.length === options.frameElements
      ? related
      : all;
  const nameOf = (i: number) => names?.[i] ?? `${i}`;
  if (columns.length === options.frameElements) return { truth, columns };
  const shown = columns.map(nameOf);
  throw wrongElements(
    where,
    `${columns.length} columns (${shown.slice(0, 12).join(', ')}), the model takes ${options.frameElements}`,
    `--columns ${columns.length > options.frameElements ? `${shown.slice(0, options.frameElements).join(',')}, or whichever ${options.frameElements} it was trained on` : 'with the names of those that it was trained on'}`,
  );
}

/** Returns the column names if the first row has a cell that is not a number. */
export function headerOf(first: readonly string[]): string[] | undefined {
  return first.some((cell) => isText(cell)) ? first.map((name) => name.trim()) : undefined;
}

/** Number of rows that the rate is measured on. */
export const rateRows = 64;

/**
 * Returns frames per second from the median step of a time column; undefined if the unit is not clear (a step
 * of 1 may be a row number). A rate within 1 % of an integer is rounded to it.
 */
export function rateOfTimes(name: string, cells: readonly string[], unit?: TimeUnit): number | undefined {
  const times = cells.map((cell) => numberOf(cell) ?? Number.NaN);
  const steps = times.slice(1).map((time, i) => time - (times[i] as number));
  const sorted = steps.filter((step) => step > 0).sort((a, b) => a - b);
  const step = sorted[sorted.length >> 1];
  if (step === undefined) return undefined;
  const known = unit ?? unitOfName(name) ?? (step < 0.9 ? 's' : step > 1.1 && step < 900 ? 'ms' : undefined);
  if (!known) return undefined;
  const rateHz = (known === 's' ? 1 : 1000) / step;
  const whole = Math.round(rateHz);
  return whole > 0 && Math.abs(rateHz - whole) < 0.01 * rateHz ? whole : Number(rateHz.toPrecision(4));
}
