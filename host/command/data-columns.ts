/**
 * Asks whether a flat input is a flattened window (models/read/flat.ts). The number of columns of the
 * calibration data helps to find the width of a frame.
 *
 * In: the graph and the options.  Out: the question, or undefined.  Reads only the first 64 KiB of a .npy or
 * .csv file, and ignores errors in it: they are reported when the file is used.
 */
import type { Graph } from '../../models/graph/types.ts';
import { flatQuestion } from '../../models/read/flat.ts';
import { csvRules, headerOf, signalColumns } from '../sources/columns.ts';
import { npyHeadBytes, npyHeader } from '../sources/npy.ts';
import { readHead } from './read-file.ts';

async function csvColumns(bytes: Uint8Array): Promise<number | undefined> {
  const { parse } = await import('csv-parse/sync');
  const rows: string[][] = parse(bytes, { ...csvRules, to: 2 });
  const [head = [], first = head] = rows;
  const names = headerOf(head);
  return signalColumns(names, names ? first : head).length || undefined;
}

async function columnsOf(path: string | undefined): Promise<number | undefined> {
  if (path === undefined || !/\.(npy|csv|tsv)$/i.test(path)) return undefined;
  try {
    const { bytes, fileBytes } = await readHead(path, npyHeadBytes);
    if (!/\.npy$/i.test(path)) return await csvColumns(bytes);
    const { shape } = npyHeader(bytes, fileBytes);
    return shape.length >= 2 ? shape.at(-1) : shape.length === 1 ? 1 : undefined;
  } catch {
    return undefined;
  }
}

/** First byte of a .rnq file (`RNQ1`), and of no other model. Its frame is fixed, so no question is asked. */
const rnqStart = 0x52;

/** Returns the question for the user; undefined if `--frame` is given or the input has a time axis. */
export async function frameQuestion(graph: Graph, bytes: Uint8Array, options: { frame?: number; calib?: string }) {
  if (options.frame !== undefined || bytes[0] === rnqStart) return undefined;
  return flatQuestion(graph, await columnsOf(options.calib));
}
