/**
 * Reads a model of a corpus, and finds missing read options.
 *
 * In: a file, and given options.  Out: the graph, and the options that it was read with.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readNpy } from '../../host/sources/npy.ts';
import { isRunletError } from '../../models/error.ts';
import type { Graph } from '../../models/graph/types.ts';
import { maxOf } from '../../models/lists.ts';
import { type ReadOptions, readModel } from '../../models/read/index.ts';

/**
 * Reads the file with the given options. If it needs a time axis, the first suggested one is used; if it
 * needs a window, that of the data. Returns the graph, and the options that it was read with.
 */
export async function read(file: string, given: ReadOptions): Promise<[Graph, ReadOptions]> {
  const folder = dirname(file);
  const bytes = new Uint8Array(await readFile(file));
  const files = (path: string) => readFile(join(folder, path));
  const by = async (options: ReadOptions): Promise<[Graph, ReadOptions]> => [
    await readModel(bytes, { files, path: file, ...options }),
    options,
  ];
  const at = join(folder, 'in.npy');
  const lengths = existsSync(at) ? readNpy(readFileSync(at)).shape.slice(2) : [100];
  try {
    return await by(given);
  } catch (error) {
    if (!isRunletError(error)) throw error;
    const axis = error.code === 'RN168' && /--time-axis (\d)/.exec(error.message)?.[1];
    if (axis) return by({ ...given, timeAxis: Number(axis) });
    if (!error.message.includes('--window')) throw error;
    for (const window of new Set([...lengths].reverse())) {
      const read = await by({ ...given, window }).catch(() => undefined);
      if (read && (lengths.length === 1 || read[0].inputs[0]?.fileShape.slice(1).join() === lengths.join())) return read;
    }
    return by({ ...given, window: maxOf(lengths) });
  }
}
