/**
 * Rows of .npy files as frames of a model: what validate feeds and expects.
 *
 * In: arrays as NumPy wrote them and a port's shape and order.  Out: frames `[t][f][c]`.  Leading ones in
 * shapes are ignored.
 */
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import type { Frames } from '../session/index.ts';
import type { NpyArray, NpyData } from '../sources/npy.ts';

/** Values per row of the first axis that is not a leading one; `[16, 1, 30, 40]` gives 16 rows. */
export function splitRows(array: NpyArray, perRow: number, where: string): { rows: number; perRow: number } {
  const rows = array.data.length / perRow;
  if (!Number.isInteger(rows) || rows < 1) {
    throw new RunletError('RN743', {
      what: `${array.data.length} values do not make whole rows`,
      where,
      why: `its shape is [${array.shape.join(', ')}] and a row has ${perRow} values`,
      tryThis: 'one row per window (without --hop), or one row per frame (with --hop)',
    });
  }
  return { rows, perRow };
}

/** The array types that a session takes: float32, int8, uint8 or int16, as the port wants. @throws RN744 */
export function asHost(data: NpyData, hostType: PortManifest['hostType'], where: string): Frames {
  if (hostType === 'float32') {
    if (data instanceof Float32Array) return data;
    if (data instanceof Float64Array) return Float32Array.from(data);
  }
  if (hostType === 'int8' && data instanceof Int8Array) return data;
  if (hostType === 'uint8' && data instanceof Uint8Array) return data;
  if (hostType === 'int16' && data instanceof Int16Array) return data;
  throw new RunletError('RN744', {
    what: `the array holds ${data.constructor.name.replace('Array', '').toLowerCase()} values`,
    where,
    why: `the model's border is ${hostType}`,
    tryThis: `an array of dtype ${hostType}`,
  });
}

/** A whole window in the file's order to `[t][f][c]`; the same array where the orders agree. */
export function windowToFrames<T extends Frames>(row: T, port: PortManifest): T {
  const [t, f, c] = port.shape;
  const map = toNormalForm(port.order, { t, f, c });
  return row.map((_v, i) => row[map[i] as number] as number) as T;
}
