/**
 * A column of a CSV file as a recording.
 *
 * In: text.  Out: samples at the model's rate: the column named like the model's input, else the first that is no time; or as many columns
 * as a frame has values.  Loaded only when such a file comes: the parser is larger than the rest of the page.
 */
import { type CsvError, parse } from 'csv-parse/browser/esm/sync';
import { RunletError } from '../../models/error.ts';
import type { Loaded } from './protocol.ts';
import type { Recording } from './recording.ts';

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

/** @throws RN785 */
export function csvRecording(name: string, bytes: Uint8Array, { manifest, rateHz, frameHz }: Loaded): Recording {
  const [head = [], ...rest] = rowsOf(name, bytes);
  const header = head.some((cell) => cell !== '' && Number.isNaN(Number(cell)));
  const rows = header ? rest : [head, ...rest];
  const [input] = manifest.inputs;
  const elements = input?.elements ?? 1;
  const usable = head.map((_, i) => i).filter((i) => !(header && /^(t|time.*)$/i.test(head[i] as string)));
  const named = header ? head.indexOf(input?.name ?? '') : -1;
  const columns = elements === 1 ? [named >= 0 ? named : (usable[0] ?? 0)] : usable;
  if (columns.length !== elements) throw bad(name, `it has ${columns.length} columns of values, the model takes ${elements}`);
  const samples = new Float32Array(rows.length * elements);
  rows.forEach((row, n) => {
    columns.forEach((column, e) => {
      const value = row[column]?.trim() ? Number(row[column]) : Number.NaN;
      if (Number.isNaN(value)) throw bad(`${name}, row ${n + 1 + Number(header)}`, `'${row[column] ?? ''}' is not a number`);
      samples[n * elements + e] = value;
    });
  });
  const perSecond = elements === 1 ? rateHz : frameHz;
  return { name, samples, ...(elements === 1 && { rateHz }), seconds: rows.length / perSecond };
}
