/**
 * A pool of windows, as `runlet select` reads and writes it.
 *
 * In: arrays by name: `windows` [n][frames][...] (or the only array), `labels` [n] if there are any, others.
 * Out: single windows, chosen rows of all arrays with the length n, features of the windows.
 * `index` [m] in the result has the row of each chosen window in the pool.
 */
import { RunletError } from '../../models/error.ts';
import { featuresOf, standardised, type WindowFeatures } from '../../quant/calibration/coverage.ts';
import type { NpyArray } from '../sources/npy.ts';

export interface Pool {
  count: number;
  frames: number;
  /** Values in a frame. */
  elements: number;
  windows: NpyArray;
  /** Label of each window; undefined without labels. A negative number or NaN means no label. */
  labels?: NpyArray['data'];
  arrays: ReadonlyMap<string, NpyArray>;
}

/** Most windows of a pool. A choice, ten times what a store of a gateway holds. */
const maxWindows = 1_000_000;

const unusable = (what: string, where: string, why: string): RunletError =>
  new RunletError('RN795', {
    what,
    where,
    why,
    tryThis: 'numpy.savez(name, windows=x, labels=y) with x of shape [n][frames][values]',
  });

/** Finds windows and labels among the arrays. @throws RN795 */
export function poolOf(arrays: ReadonlyMap<string, NpyArray>): Pool {
  const windows = arrays.get('windows') ?? (arrays.size === 1 ? [...arrays.values()][0] : undefined);
  const names = [...arrays.keys()].slice(0, 20).join(', ');
  if (!windows) throw unusable('this pool has no windows', names, 'it has several arrays, and none is named windows');
  const [count = 0, frames = 0, ...frame] = windows.shape;
  const shape = `shape (${windows.shape.join(', ')})`;
  if (windows.data.length === 0 || frames === 0 || windows.shape.length < 2)
    throw unusable('this pool has no windows', shape, 'windows are an array [n][frames][values]');
  if (count > maxWindows) throw unusable('this pool has too many windows', shape, `at most ${maxWindows} are read`);
  const labels = arrays.get('labels');
  if (labels && (labels.shape.length !== 1 || labels.shape[0] !== count))
    throw unusable(
      'the labels do not match the windows',
      `labels of shape (${labels.shape.join(', ')})`,
      `there are ${count} windows`,
    );
  const elements = frame.reduce((product, d) => product * d, 1);
  return { count, frames, elements, windows, ...(labels && { labels: labels.data }), arrays };
}

/** Returns the values of a window, float32 [frames][elements]. */
export const windowOf = ({ windows, frames, elements }: Pool, i: number): Float32Array =>
  Float32Array.from(windows.data.subarray(i * frames * elements, (i + 1) * frames * elements));

/** Returns the given rows of every array that has a row per window, and `index`. Others stay as they are. */
export function rowsOf({ arrays, count }: Pool, rows: readonly number[]): Map<string, Pick<NpyArray, 'shape' | 'data'>> {
  const out = new Map<string, Pick<NpyArray, 'shape' | 'data'>>();
  for (const [name, { shape, data }] of arrays) {
    if (shape[0] !== count) {
      out.set(name, { shape, data });
      continue;
    }
    const per = data.length / count;
    const chosen = new (data.constructor as new (length: number) => typeof data)(rows.length * per);
    for (const [to, from] of rows.entries()) chosen.set(data.subarray(from * per, (from + 1) * per), to * per);
    out.set(name, { shape: [rows.length, ...shape.slice(1)], data: chosen });
  }
  return out.set('index', { shape: [rows.length], data: Int32Array.from(rows) });
}

/** Points in a space of features, [count][features]. */
export interface Points {
  values: Float64Array;
  features: number;
}

/** Returns features of all windows (coverage.ts): as they are, and divided by their spread. */
export function inputPoints(pool: Pool): Points & { windows: WindowFeatures[] } {
  const windows = Array.from({ length: pool.count }, (_, i) => featuresOf(i, [windowOf(pool, i)], [pool.elements]));
  const features = windows[0]?.values.length ?? 0;
  return { windows, features, values: standardised(windows, features) };
}
