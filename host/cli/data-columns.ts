/**
 * The question whether a flat input is a window (models/read/flat.ts), with the columns of the data that were
 * named beside the model.
 *
 * In: the graph and the options.  Out: the question, or nothing.  Of a .npy or .csv only the first 64 KiB are
 * read; what is wrong with it is said where it is used.
 */
import type { Graph } from '../../models/graph/types.ts';
import { flatQuestion } from '../../models/read/flat.ts';
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

async function columnsOf(path: string | undefined): Promise<number | undefined> {
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

/**
 * First byte of a .rnq file (`RNQ1`), and of no other model: it is read as it was written, whatever the
 * options.
 */
const rnqStart = 0x52;

/** What to ask the user; nothing where `--frame` is given or the input has a time axis. */
export async function frameQuestion(graph: Graph, bytes: Uint8Array, options: { frame?: number; calib?: string }) {
  if (options.frame !== undefined || bytes[0] === rnqStart) return undefined;
  return flatQuestion(graph, await columnsOf(options.calib));
}
