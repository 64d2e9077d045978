/**
 * Converts rows of .npy files to frames of a model, for validate.
 *
 * In: arrays from NumPy, and a port's shape and order.  Out: frames `[t][f][c]`. Leading dimensions of 1 are
 * ignored.
 */
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import type { Frames } from '../session/index.ts';
import type { NpyArray, NpyData } from '../sources/npy.ts';

/** Splits an array into rows of `perRow` values: `[16, 1, 30, 40]` gives 16 rows of 1,200. @throws RN743 */
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

/** Returns the data in the type that the port takes: float32, int8, uint8 or int16. @throws RN744 */
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
    why: `the model takes and gives ${hostType}`,
    tryThis: `an array of dtype ${hostType}`,
  });
}

/** Converts a whole window from the file's order to `[t][f][c]`. */
export function windowToFrames<T extends Frames>(row: T, port: PortManifest): T {
  const [t, f, c] = port.shape;
  const map = toNormalForm(port.order, { t, f, c });
  return row.map((_v, i) => row[map[i] as number] as number) as T;
}
