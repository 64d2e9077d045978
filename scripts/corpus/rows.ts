/**
 * Rows of inputs and outputs in .npy files, and conversion between the file's order and the graph's.
 *
 * In: a folder, a graph's ports.  Out: rows in the file's order, or converted values.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy } from '../../host/sources/npy.ts';
import { elementsOf, type Graph, type Ints, type Port, type Shape } from '../../models/graph/types.ts';
import { toNormalForm } from '../../models/read/layout.ts';
import { quantiseSignals } from '../../quant/report.ts';

/** Rows of one array, in the file's order. */
export interface Rows {
  count: number;
  row: (i: number) => ArrayLike<number>;
  /** Type name of .npy files: f4, i1, u1, i2. */
  type: string;
}

export const shapeAt = (graph: Graph, id: number): Shape => graph.tensors[id]?.shape ?? { t: 0, f: 0, c: 0 };

/** Reads the rows of `kind`.npy, `kind`1.npy ...; undefined for missing files. */
export function rowsOf(folder: string, kind: 'in' | 'out', ports: number): (Rows | undefined)[] {
  return Array.from({ length: ports }, (_, i) => {
    const path = join(folder, `${kind}${i || ''}.npy`);
    if (!existsSync(path)) return undefined;
    const { data, shape, dtype } = readNpy(readFileSync(path));
    const width = data.length / (shape[0] ?? 1);
    return { count: shape[0] ?? 0, row: (r) => data.subarray(r * width, (r + 1) * width), type: dtype };
  });
}

/** Returns random rows of float32 values in [-1, 1). */
export function randomRows(count: number, width: number, next: () => number): Rows {
  const data = Float32Array.from({ length: count * width }, () => 2 * next() - 1);
  return { count, row: (i) => data.subarray(i * width, (i + 1) * width), type: 'f4' };
}

/** Converts a row to the graph's order. */
export function toGraph(graph: Graph, { tensor, order }: Port, row: ArrayLike<number>): Float32Array {
  const shape = shapeAt(graph, tensor);
  if (row.length !== elementsOf(shape)) throw new Error(`a row of ${row.length} values, ${elementsOf(shape)} are read`);
  return Float32Array.from(toNormalForm(order, shape), (from) => row[from] as number);
}

/** Converts a tensor's values to the file's order and type. */
export function toFile(graph: Graph, { tensor, order, hostType }: Port, values: ArrayLike<number>): number[] {
  const quant = graph.tensors[tensor]?.quant;
  const row: number[] = [];
  const of = (q: number): number =>
    hostType === 'uint8' ? q + 128 : quant && hostType === 'float32' ? Math.fround(quant.scale * (q - quant.zeroPoint)) : q;
  for (const [i, to] of toNormalForm(order, shapeAt(graph, tensor)).entries()) row[to] = of(values[i] as number);
  return row;
}

/** Converts a window with float, uint8 or stored values to the graph's integers. */
export function toInts(graph: Graph, window: Float32Array[], types: string[]): Ints[] {
  const rounded = quantiseSignals(graph, window);
  return rounded.map((stored, i) => {
    if (types[i]?.includes('f')) return stored;
    const offset = types[i]?.includes('u') ? 128 : 0;
    return stored.map((_, at) => (window[i]?.[at] ?? 0) - offset);
  });
}
