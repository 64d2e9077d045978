/**
 * Which columns of a CSV make a frame, which is the time, which the truth; and the rate that a time column
 * says.
 *
 * In: the header, the first row of data, and what the user and the model say.  Out: indexes of columns.
 * Columns are those that the user names; else those that the model names, where the header has them all; else
 * all that hold numbers but the time (t, time..., timestamp) and the truth (the one that was asked for, and
 * what is named label, class, target, truth, activity, beat or ..._true). Where those are more than a frame
 * has, they are the ones whose names are one of several (ax, ay, az; ch1, ch2), if these make a frame.
 */
import { RunletError } from '../../models/error.ts';
import { unitOfName } from './clock.ts';
import { numberOf, type SourceOptions, type TimeUnit, wrongElements } from './source.ts';

/** How csv-parse makes rows of cells out of text. */
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

export const isTime = (name: string): boolean =>
  /^(t|time.*|t[ _]*\(?(s|secs?|seconds|ms|msecs?|milliseconds)\)?)$/i.test(name.trim());

/** Names of a column that says what a row is. */
export const isTruth = (name: string): boolean =>
  /^(labels?|class(es)?|target|truth|ground.?truth|activity|beat|.*_true)$/i.test(name.trim());

const isEmpty = (cell: string): boolean => cell === '' || /^nan$/i.test(cell);

/** Index of a column given by name or by index from 0. @throws RN726 */
export function columnOf(wanted: string, names: string[] | undefined, width: number, where: string): number {
  const named = names?.indexOf(wanted) ?? -1;
  const index = named >= 0 ? named : /^\d+$/.test(wanted) ? Number(wanted) : -1;
  if (index >= 0 && index < width) return index;
  throw new RunletError('RN726', {
    what: `there is no column ${wanted}`,
    where,
    why: names ? `the columns are ${names.slice(0, 20).join(', ')}` : `there are ${width} columns and no header`,
    tryThis: 'give names of the header, or indexes from 0',
  });
}

/**
 * The column of the time, by the user's word or by its name; -1 for none. @throws RN726 no such column, RN750
 * several
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
      tryThis: 'choose one with --time, or say --time none',
    });
  return found.length === 1 ? (names?.indexOf(found[0] as string) ?? -1) : -1;
}

const isText = (cell: string): boolean => !isEmpty(cell) && numberOf(cell) === undefined;

/** Of columns, those whose names differ from another's in an axis or a number at their end alone. */
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
 * The only column that is named as a truth, else the only one that holds text; -1 for none, and where nobody
 * asked.
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

/** Columns that hold a signal by the header and the first row of data: no time, no truth, no text. */
export function signalColumns(names: string[] | undefined, first: readonly string[], truth = -1): number[] {
  const isSignal = (i: number): boolean => {
    const name = names?.[i];
    if (i === truth || (name !== undefined && (isTime(name) || isTruth(name)))) return false;
    return names === undefined || !isText(first[i] as string);
  };
  return first.map((_, i) => i).filter(isSignal);
}

/** Which columns make a frame, and which is the truth. @throws RN722, RN726 */
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
  const akin = families(all, names);
  const columns = known
    ? known.map((name) => columnOf(name, names, width, where))
    : all.length > options.frameElements && akin.length === options.frameElements
      ? akin
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

/** Names of the columns where the first row has a cell that is no number. */
export function headerOf(first: readonly string[]): string[] | undefined {
  return first.some((cell) => isText(cell)) ? first.map((name) => name.trim()) : undefined;
}

/** Rows that the rate is read from. */
export const rateRows = 64;

/**
 * Frames a second by the usual step of a time column; undefined where it is no time in seconds or
 * milliseconds (a step of 1 may be a row number). A rate within 1 % of a whole number is that number.
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
