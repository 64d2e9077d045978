/**
 * Borders: a graph's inputs and outputs keep name, shape and order of their file; inside, values are [1, c,
 * t(, f)].
 *
 * In: a port and its tensor's shape.  Out: nodes of an Emitter that move its elements: none if the orders
 * agree, one Transpose if whole dimensions change places, and a Reshape before or after it if the file's
 * dimensions hold several axes.
 */
import type { Axis, Port, Shape } from '../../graph/types.ts';
import type { Emitter } from './emitter.ts';

const ours: readonly Axis[] = ['c', 't', 'f'];
const equal = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((x, i) => x === b[i]);
const long = (dims: readonly number[]): number[] => dims.filter((d) => d > 1);

/** A value and its current dimensions. */
interface Moving {
  name: string;
  dims: number[];
}

function reshape(emitter: Emitter, { name, dims }: Moving, to: number[], wanted: string): Moving {
  if (equal(dims, to)) return { name, dims };
  return { name: emitter.node('Reshape', [name, emitter.ints('shape', to)], {}, `${wanted}_reshaped`), dims: to };
}

/**
 * Moves `from`, with the axes in `orders.from`, to dimensions `to` with the axes in `orders.to`.
 * Both orders name the same axes, those longer than 1.
 */
function move(
  emitter: Emitter,
  from: Moving,
  to: number[],
  orders: { from: readonly Axis[]; to: readonly Axis[] },
  shape: Shape,
  wanted: string,
): Moving {
  if (equal(orders.from, orders.to)) return reshape(emitter, from, to, wanted);
  const lengths = (order: readonly Axis[]) => order.map((a) => shape[a]);
  // one axis per dimension: dimensions of length 1 take the remaining places
  const whole =
    equal(long(from.dims), lengths(orders.from)) && equal(long(to), lengths(orders.to)) && from.dims.length === to.length;
  const start = whole ? from : reshape(emitter, from, lengths(orders.from), wanted);
  const goal = whole ? to : lengths(orders.to);
  const units = start.dims.flatMap((d, i) => (d === 1 ? [i] : []));
  const places = start.dims.flatMap((d, i) => (d === 1 ? [] : [i]));
  let axis = 0;
  const perm = goal.map((d) =>
    d === 1 ? (units.shift() as number) : (places[orders.from.indexOf(orders.to[axis++] as Axis)] as number),
  );
  const moved = { name: emitter.node('Transpose', [start.name], { perm }, `${wanted}_transposed`), dims: goal };
  return reshape(emitter, moved, to, wanted);
}

const longAxes = (order: readonly Axis[], shape: Shape): Axis[] => order.filter((a) => shape[a] > 1);

/** Moves the file's input to [1, c, t(, f)]. */
export function fromFile(emitter: Emitter, port: Port, shape: Shape, name: string): string {
  const orders = { from: longAxes(port.order, shape), to: longAxes(ours, shape) };
  return move(emitter, { name, dims: port.fileShape }, emitter.dims(shape), orders, shape, port.name).name;
}

/** Moves a value of `dims` to the file's output. */
export function toFile(emitter: Emitter, port: Port, shape: Shape, value: Moving): string {
  const orders = { from: longAxes(ours, shape), to: longAxes(port.order, shape) };
  return move(emitter, value, port.fileShape, orders, shape, port.name).name;
}
