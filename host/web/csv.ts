/**
 * Reads columns of a CSV file as a recording.
 *
 * In: text, the columns that the model takes.  Out: samples or frames, names of the columns, the rate of the
 * time column. ../sources/columns.ts chooses the columns. The page loads this file only for a CSV file,
 * because the parser is larger than the rest of the page.
 */
import { type CsvError, parse } from 'csv-parse/browser/esm/sync';
import { isRunletError, RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { csvRules, frameColumns, headerOf, isTime, rateOfTimes, rateRows, signalColumns } from '../sources/columns.ts';
import { numberOf } from '../sources/source.ts';
import type { Recording } from './protocol.ts';

/** The columns that a model takes. */
export interface CsvTarget {
  /** Values per frame; undefined if the engine has not read the model yet: then all columns are read. */
  elements?: number;
  /** Names of the columns to read; empty if unknown. */
  names: string[];
  /** Samples or frames per second, if known. */
  rateHz?: number;
}

const bad = (where: string, why: string): RunletError =>
  new RunletError('RN785', {
    what: 'this CSV file does not fit the model',
    where,
    why,
    tryThis: 'use a column of numbers with the name of the input, or only the columns of a frame',
  });

function rowsOf(name: string, bytes: Uint8Array): string[][] {
  try {
    return parse(new TextDecoder().decode(bytes), csvRules);
  } catch (error) {
    throw bad(name, (error as CsvError).message);
  }
}

/** Indices of the columns of a frame. @throws RN785 */
function columnsOf(file: string, heads: string[] | undefined, first: string[], { elements, names }: CsvTarget): number[] {
  if (elements === undefined) return signalColumns(heads, first);
  try {
    return frameColumns(heads, first, file, { frameElements: elements, known: names.length > 0 ? names : undefined }).columns;
  } catch (error) {
    if (isRunletError(error)) throw bad(file, error.parts.why ?? '');
    throw error;
  }
}

/** Rows per second by the time column; undefined if there is none. */
function rateOf(heads: string[] | undefined, body: string[][]): number | undefined {
  const column = heads?.findIndex(isTime) ?? -1;
  return column < 0
    ? undefined
    : rateOfTimes(
        heads?.[column] ?? '',
        body.slice(0, rateRows).map((row) => row[column] ?? ''),
      );
}

/** Largest relative difference of two rates that count as equal; times in files are rounded. */
const rateTolerance = 0.02;

/** Reads the recording. @throws RN785 */
export function csvRecording(name: string, bytes: Uint8Array, target: CsvTarget): Recording {
  const [head = [], ...rest] = rowsOf(name, bytes);
  const heads = headerOf(head);
  const body = heads ? rest : [head, ...rest];
  const columns = columnsOf(name, heads, body[0] ?? head.map(() => ''), target);
  const fileHz = rateOf(heads, body);
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
  if (elements > 1 && fileHz && target.rateHz && Math.abs(fileHz / target.rateHz - 1) > rateTolerance)
    throw bad(name, `its time column has ${fileHz} rows per second, but the model takes ${target.rateHz}`);
  const rateHz = fileHz ?? target.rateHz;
  const channels = heads && columns.map((i) => printable(heads[i] as string));
  const seconds = rateHz ? body.length / rateHz : 0;
  return {
    name,
    samples,
    seconds,
    ...(channels && { channels }),
    ...(fileHz && { fileHz }),
    ...(elements === 1 && rateHz && { rateHz }),
  };
}
