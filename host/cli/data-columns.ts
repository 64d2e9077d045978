/**
 * How many columns a file of data has, for the question whether a flat input is a window (models/read/flat.ts).
 *
 * In: the path of a .npy or .csv.  Out: values of one sample, or nothing where the file does not say. Only its first 64 KiB are read; what is wrong with it is
 * said where it is used.
 */
import { npyHeadBytes, npyHeader } from '../sources/npy.ts';
import { readHead } from './read-file.ts';

/** Columns that count samples or say when they were taken. */
const timeColumn = /^"?(t|time|timestamp|date|index|ms|seconds?)\b/i;

function csvColumns(text: string): number | undefined {
  const [head = '', row = ''] = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const separator = /[;\t]/.exec(row)?.[0] ?? ',';
  const names = head.split(separator);
  const numeric = row
    .split(separator)
    .filter((cell, i) => cell.trim() !== '' && Number.isFinite(Number(cell)) && !timeColumn.test(names[i] ?? ''));
  return numeric.length > 0 ? numeric.length : undefined;
}

export async function columnsOf(path: string | undefined): Promise<number | undefined> {
  if (path === undefined || !/\.(npy|csv|tsv)$/i.test(path)) return undefined;
  try {
    const { bytes, fileBytes } = await readHead(path, npyHeadBytes);
    if (!/\.npy$/i.test(path)) return csvColumns(new TextDecoder().decode(bytes));
    const { shape } = npyHeader(bytes, fileBytes);
    return shape.length >= 2 ? shape.at(-1) : shape.length === 1 ? 1 : undefined;
  } catch {
    return undefined;
  }
}
