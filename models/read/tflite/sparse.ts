/**
 * expanded: expands a sparse constant, as pruning writes it, to all its elements.
 *
 * In: the SparsityParameters of a tensor, its shape, and the bytes of the stored values.
 * Out: the bytes of all elements, with zeros for those that are not stored.
 * Errors: RN103 if indices, sizes or bytes do not fit together, RN102 if the tensor is far larger than the
 * file.
 * Cost: linear in the file and the elements, charged to the view.
 *
 * The traversal order lists the levels of the tensor. A level is a dimension, or a dimension of the blocks
 * that another is cut into (numbered from the rank on). A dense level visits all its indices at each place of
 * the level before; a sparse level visits those that its segments list.
 * Source: tensorflow/lite/schema/schema.fbs; Kjolstad et al. 2017 (The Tensor Algebra Compiler, formats).
 */
import { RunletError } from '../../error.ts';
import type { Table, View } from './view.ts';

interface Level {
  /** Distance from an index to the next, in elements of the tensor. */
  step: number;
  size: number;
}

const dense = 0;

/** Expands a sparse constant. @param width bytes per element. @param where the tensor, for messages */
export function expanded(table: Table, shape: readonly number[], stored: Uint8Array, width: number, where: string): Uint8Array {
  const fail = (what: string): RunletError =>
    new RunletError('RN103', { what: `a sparse constant ${what}`, where, tryThis: 'export the model again' });
  const metadata = table.tables(2, 'DimensionMetadata', 32);
  const levels = levelsOf(table, metadata, shape, fail);
  if (metadata.length !== levels.length) throw fail(`describes ${metadata.length} of ${levels.length} levels`);
  // index of the first element of each place
  let places = [0];
  for (const [i, level] of levels.entries()) places = next(places, level, metadata[i] as Table, table.view, fail);
  if (stored.length !== places.length * width) throw fail(`stores ${stored.length} bytes, ${places.length * width} are expected`);
  const bytes = shape.reduce((product, n) => product * n, width);
  table.view.spend(table.at, bytes);
  const all = new Uint8Array(bytes);
  for (const [i, to] of places.entries()) all.set(stored.subarray(i * width, (i + 1) * width), to * width);
  return all;
}

/** Returns the levels in traversal order. */
function levelsOf(table: Table, metadata: Table[], shape: readonly number[], fail: (what: string) => RunletError): Level[] {
  const [order, blocked] = [table.int32s(0), table.int32s(1)];
  const all = shape.length + blocked.length;
  const isOrder = order.length === all && order.every((d) => d >= 0 && d < all) && new Set(order).size === all;
  const areBlocks = blocked.every((d) => d >= 0 && d < shape.length) && new Set(blocked).size === blocked.length;
  if (!isOrder || !areBlocks) throw fail(`of ${shape.length} dimensions has the order [${order.slice(0, 16).join(', ')}]`);
  const blockSize = (dim: number): number => {
    const block = blocked.indexOf(dim);
    return block < 0 ? 1 : (metadata[order.indexOf(shape.length + block)]?.int32(1) ?? 0);
  };
  const strideOf = (dim: number): number => shape.slice(dim + 1).reduce((product, n) => product * n, 1);
  return order.map((dim) => {
    const tensorDim = dim < shape.length ? dim : (blocked[dim - shape.length] as number);
    const [block, stride, length] = [blockSize(tensorDim), strideOf(tensorDim), shape[tensorDim] as number];
    if (block < 1 || length % block !== 0) throw fail(`cuts ${length} into blocks of ${block}`);
    return dim < shape.length ? { step: stride * block, size: length / block } : { step: stride, size: block };
  });
}

/** Returns the places after a level. */
function next(places: number[], { step, size }: Level, table: Table, view: View, fail: (what: string) => RunletError): number[] {
  if (table.int8(0) === dense) {
    if (table.int32(1) !== size) throw fail(`has a dimension of ${table.int32(1)}, ${size} is expected`);
    // the segments or values that follow are at least as many
    if (places.length * size > view.bytes.length) throw fail('has more values than the file holds');
    return places.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * step));
  }
  const [segments, indices] = [vectorOf(table, 2), vectorOf(table, 4)];
  const rises = segments.every((from, i) => from >= (segments[i - 1] ?? 0));
  if (segments.length !== places.length + 1 || segments[0] !== 0 || segments.at(-1) !== indices.length || !rises)
    throw fail(`has ${segments.length} segments of ${indices.length} indices for ${places.length} places`);
  const wrong = indices.find((i) => !(i >= 0 && i < size));
  if (wrong !== undefined) throw fail(`has the index ${wrong} in a dimension of ${size}`);
  return places.flatMap((at, p) => indices.slice(segments[p], segments[p + 1]).map((i) => at + i * step));
}

/** Reads a union of Int32Vector, Uint16Vector and Uint8Vector: its type is field `at`, its table the next. */
function vectorOf(table: Table, at: number): number[] {
  const vector = table.table(at + 1, 'SparseIndexVector');
  const width = [0, 4, 2, 1][table.uint8(at)];
  return vector && width ? vector.integers(0, width) : [];
}
