/**
 * Columns of a CSV file as a recording.
 *
 * In: text, and the model that it is for.  Out: samples, or frames of as many columns as the model takes,
 * with their names; the rate of its time column. Columns named like the input, or like the channels that are
 * known, come first; else the columns of numbers, without times and without what is the truth. Loaded only
 * when such a file comes: the parser is larger than the rest of the page.
 */
import { type CsvError, parse } from 'csv-parse/browser/esm/sync';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import type { Recording } from './recording.ts';

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
    const delimiter = [',', ';', '\t'];
    return parse(new TextDecoder().decode(bytes), { bom: true, trim: true, comment: '#', skip_empty_lines: true, delimiter });
  } catch (error) {
    throw bad(name, (error as CsvError).message);
  }
}

const isTime = (name: string): boolean => /^t(ime.*|[ _(].*)?$/i.test(name);
const isTruth = (name: string): boolean => /^(labels?|class|classes|truth|target|y|activity|beat|.*_true)$/i.test(name);
const isNumber = (cell: string | undefined): boolean => cell !== undefined && cell !== '' && !Number.isNaN(Number(cell));

/** Indexes of the columns that make a frame. @throws RN785 */
function columnsOf(file: string, heads: string[], body: string[][], { elements, names }: CsvTarget): number[] {
  const named = names.map((name) => heads.indexOf(name));
  if (names.length > 0 && named.every((column) => column >= 0) && (elements ?? names.length) === names.length) return named;
  const numbers = heads.map((_, i) => i).filter((i) => !isTime(heads[i] as string) && isNumber(body[0]?.[i]));
  const values = numbers.filter((i) => !isTruth(heads[i] as string));
  if (elements === undefined) return values;
  for (const found of [numbers, values]) if (found.length === elements) return found;
  if (elements === 1 && values.length > 0) return values.slice(0, 1);
  const shown = heads.slice(0, 12).map(printable).join(', ');
  throw bad(file, `it has ${values.length} columns of values${shown && ` among ${shown}`}, and the model takes ${elements}`);
}

/**
 * Rows a second by the middle of the steps of a time column, in seconds unless its name says milliseconds;
 * undefined where it has none.
 */
function rateOf(heads: string[], body: string[][]): number | undefined {
  const column = heads.findIndex(isTime);
  if (column < 0) return undefined;
  const times = body.slice(0, 1025).map((row) => Number(row[column]));
  const steps = times.slice(1).map((time, i) => time - (times[i] as number));
  const step = steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0;
  if (!(step > 0)) return undefined;
  const perSecond = /(^|[^a-z])(ms|msecs?)$|milli/i.test(heads[column] as string) ? 1000 : 1;
  return Number((perSecond / step).toPrecision(3));
}

/** A rate that differs by more than this is another one: times are rounded. */
const rateTolerance = 0.02;

/** @throws RN785 */
export function csvRecording(name: string, bytes: Uint8Array, target: CsvTarget): Recording {
  const [head = [], ...rest] = rowsOf(name, bytes);
  const header = head.some((cell) => cell !== '' && Number.isNaN(Number(cell)));
  const heads = header ? head : head.map(() => '');
  const body = header ? rest : [head, ...rest];
  const columns = columnsOf(name, heads, body, target);
  const own = rateOf(heads, body);
  const { elements = columns.length } = target;
  const samples = new Float32Array(body.length * columns.length);
  body.forEach((row, n) => {
    columns.forEach((column, e) => {
      const value = row[column]?.trim() ? Number(row[column]) : Number.NaN;
      if (Number.isNaN(value))
        throw bad(`${name}, row ${n + 1 + Number(header)}`, `'${printable(row[column] ?? '')}' is not a number`);
      samples[n * columns.length + e] = value;
    });
  });
  if (elements > 1 && own && target.rateHz && Math.abs(own / target.rateHz - 1) > rateTolerance)
    throw bad(name, `its time column has ${own} rows a second, and the model takes ${target.rateHz}`);
  const rateHz = own ?? target.rateHz;
  const channels = header ? columns.map((i) => printable(heads[i] as string)) : undefined;
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
