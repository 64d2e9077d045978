/**
 * Columns of a CSV file as a recording.
 *
 * In: text, and the model that it is for.  Out: samples, or frames of as many columns as the model takes,
 * with their names; the rate of its time column. ../sources/columns.ts says which columns are taken. Loaded
 * only when such a file comes: the parser is larger than the rest of the page.
 */
import { type CsvError, parse } from 'csv-parse/browser/esm/sync';
import { isRunletError, RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { csvRules, frameColumns, headerOf, isTime, rateOfTimes, rateRows, signalColumns } from '../sources/columns.ts';
import { numberOf } from '../sources/source.ts';
import type { Recording } from './protocol.ts';

/** What the columns are for. */
export interface CsvTarget {
  /** Values of a frame; undefined: as many as there are, for a model that the engine has not read yet. */
  elements?: number;
  /** Names that the columns may have. */
  names: string[];
  /** Samples or frames a second, where they are known. */
  rateHz?: number;
}

const bad = (where: string, why: string): RunletError =>
  new RunletError('RN785', {
    what: 'this CSV does not fit the model',
    where,
    why,
    tryThis: 'a column of numbers named like the input, or only the columns of a frame',
  });

function rowsOf(name: string, bytes: Uint8Array): string[][] {
  try {
    return parse(new TextDecoder().decode(bytes), csvRules);
  } catch (error) {
    throw bad(name, (error as CsvError).message);
  }
}

/** Indexes of the columns that make a frame. @throws RN785 */
function columnsOf(file: string, heads: string[] | undefined, first: string[], { elements, names }: CsvTarget): number[] {
  if (elements === undefined) return signalColumns(heads, first);
  try {
    return frameColumns(heads, first, file, { frameElements: elements, known: names.length > 0 ? names : undefined }).columns;
  } catch (error) {
    if (isRunletError(error)) throw bad(file, error.parts.why ?? '');
    throw error;
  }
}

/** Rows a second by the time column; undefined where there is none. */
function rateOf(heads: string[] | undefined, body: string[][]): number | undefined {
  const column = heads?.findIndex(isTime) ?? -1;
  return column < 0
    ? undefined
    : rateOfTimes(
        heads?.[column] ?? '',
        body.slice(0, rateRows).map((row) => row[column] ?? ''),
      );
}

/** A rate that differs by more than this is another one: times are rounded. */
const rateTolerance = 0.02;

/** @throws RN785 */
export function csvRecording(name: string, bytes: Uint8Array, target: CsvTarget): Recording {
  const [head = [], ...rest] = rowsOf(name, bytes);
  const heads = headerOf(head);
  const body = heads ? rest : [head, ...rest];
  const columns = columnsOf(name, heads, body[0] ?? head.map(() => ''), target);
  const own = rateOf(heads, body);
  const { elements = columns.length } = target;
  const samples = new Float32Array(body.length * columns.length);
  body.forEach((row, n) => {
    columns.forEach((column, e) => {
      const value = numberOf(row[column] ?? '');
      if (value === undefined)
        throw bad(`${name}, row ${n + 1 + Number(heads !== undefined)}`, `'${printable(row[column] ?? '')}' is not a number`);
      samples[n * columns.length + e] = value;
    });
  });
  if (elements > 1 && own && target.rateHz && Math.abs(own / target.rateHz - 1) > rateTolerance)
    throw bad(name, `its time column has ${own} rows a second, and the model takes ${target.rateHz}`);
  const rateHz = own ?? target.rateHz;
  const channels = heads && columns.map((i) => printable(heads[i] as string));
  const seconds = rateHz ? body.length / rateHz : 0;
  return {
    name,
    samples,
    seconds,
    ...(channels && { channels }),
    ...(own && { fileHz: own }),
    ...(elements === 1 && rateHz && { rateHz }),
  };
}
