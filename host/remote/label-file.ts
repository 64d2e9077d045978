/**
 * Files of labels: limits, the check of each label, and CSV.
 *
 *     CSV   window,annotator,kind,label,seconds   kind: class, value, nothing, unsure; `label` is the name of
 *                                                 the class or the value
 *
 * In: bytes of a file from anywhere; labels.  Out: checked labels; text. What was written reads back the
 * same.  Errors: RN893 for a file that is not of this form, with its line.
 * Source: RFC 4180, parsed by csv-parse. Other columns are ignored; without `kind` each label is a class.
 */
import { CsvError, parse } from 'csv-parse/sync';
import * as v from 'valibot';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { type WindowLabel, windowLabelSchema } from '../learn/label-schema.ts';

/** Upper bounds of a file. Choices: a label has about 60 bytes, a task of Label Studio has the signal. */
export const maxCsvBytes = 64 << 20;
export const maxTaskBytes = 256 << 20;
/** Upper bound of a line: two texts of 64 and 128 characters, each at most 4 bytes, quoted. */
const maxLineBytes = 4096;
const columns = ['window', 'annotator', 'kind', 'label', 'seconds'] as const;

export const wrongLabels = (where: string, why: string): RunletError =>
  new RunletError('RN893', {
    what: 'this file of labels cannot be read',
    where,
    why: printable(why.replace(/\s+/g, ' ').slice(0, 300)),
    tryThis: 'see docs/collection.md for the two forms, or export a file to compare it with',
  });

/** Checks one label. @param where its place in the file. @throws RN893 */
export function checkedLabel(value: unknown, where: string): WindowLabel {
  const found = v.safeParse(windowLabelSchema, value, { abortEarly: true });
  if (found.success) return found.output;
  throw wrongLabels(where, `${v.getDotPath(found.issues[0]) ?? 'it'}: ${found.issues[0].message}`);
}

/** Returns the text of a file. @throws RN893 if it is too large or not UTF-8 */
export function textOf(bytes: Uint8Array, where: string, maxBytes: number): string {
  if (bytes.length > maxBytes) throw tooLarge(where, bytes.length, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrongLabels(where, 'it is not UTF-8 text');
  }
}

export const tooLarge = (where: string, bytes: number, maxBytes: number): RunletError =>
  wrongLabels(where, `it has ${bytes} bytes, and the limit is ${maxBytes}; split it`);

const quoted = (cell: string): string => (/[",;\t\r\n]|^[\s#]|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** Returns one line of CSV. */
function lineOf({ window, annotator, label, seconds }: WindowLabel): string {
  const [kind, text] =
    label === null
      ? ['unsure', '']
      : label === false
        ? ['nothing', '']
        : [typeof label === 'number' ? 'value' : 'class', `${label}`];
  return `${[`${window}`, annotator, kind, text, `${seconds ?? ''}`].map(quoted).join(',')}\n`;
}

export const csvHead = `${columns.join(',')}\n`;
export const csvOf = (labels: readonly WindowLabel[]): string => labels.map(lineOf).join('');

/** Returns a number that a cell spells out, or else the cell itself, which is then refused. */
const numberIn = (cell: string): number | string => (/^-?[\d.]+(?:e[-+]?\d+)?$/i.test(cell) ? Number(cell) : cell);

function labelIn(kind: string, text: string, where: string): WindowLabel['label'] | string {
  if (kind === 'class') return text;
  if (kind === 'value') {
    const value = numberIn(text);
    if (typeof value === 'number') return value;
    throw wrongLabels(where, `label: ${JSON.stringify(text.slice(0, 40))} is not a number`);
  }
  if (kind === 'nothing') return false;
  if (kind === 'unsure') return null;
  throw wrongLabels(where, `kind: ${JSON.stringify(kind.slice(0, 40))} is not class, value, nothing or unsure`);
}

/** Reads the labels of a CSV file. @throws RN893 */
export function readCsvLabels(bytes: Uint8Array, name: string): WindowLabel[] {
  const text = textOf(bytes, name, maxCsvBytes);
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    const rules = { bom: true, info: true, skip_empty_lines: true, relax_column_count: true, max_record_size: maxLineBytes };
    rows = parse(text, { ...rules, delimiter: [',', ';', '\t'] }) as unknown as typeof rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw wrongLabels(`${name}, line ${error.lines ?? '?'}`, error.message);
  }
  const head = rows[0]?.record.map((one) => one.trim().toLowerCase()) ?? [];
  const at = Object.fromEntries(columns.map((one) => [one, head.indexOf(one)])) as Record<(typeof columns)[number], number>;
  const missing = (['window', 'annotator', 'label'] as const).find((one) => at[one] < 0);
  if (missing) throw wrongLabels(`${name}, line 1`, `there is no column ${missing}`);
  return rows.slice(1).map(({ record, info }) => {
    const where = `${name}, line ${info.lines}`;
    const cell = (column: (typeof columns)[number]) => record[at[column]] ?? '';
    const label = labelIn(at.kind < 0 ? 'class' : cell('kind'), cell('label'), where);
    const seconds = cell('seconds') === '' ? {} : { seconds: numberIn(cell('seconds')) };
    return checkedLabel({ window: numberIn(cell('window')), annotator: cell('annotator'), label, ...seconds }, where);
  });
}
