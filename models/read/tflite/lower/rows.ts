/**
 * Lowers TILE, BROADCAST_TO, RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR and MIRROR_PAD, which add rows.
 *
 * In: a value, and constants.
 * Out: upsample, interpolated rows, or a `history` of the window's own rows.
 * Source: TensorFlow Lite reference kernels tile.h, resize_nearest_neighbor.h, resize_bilinear.h, mirror_pad.
 */
import { type Place, resized, rowsBetween } from '../../between.ts';
import { type Repeat, repeated } from '../../broadcast.ts';
import { dim, fileShapeOf, type Layout, raised, showLayout } from '../../layout.ts';
import { asSteps } from '../../rows.ts';
import { axisOf, type Context, factorsOf, malformed, Refusal, shapeOf, type Value } from '../context.ts';
import { integersAt } from '../integers.ts';
import type { TfOperator } from '../model.ts';
import { sameQuant } from '../quantisation.ts';
import { pick, positive, spatialLayout, spatialOf } from './spatial.ts';

/** Returns the axis that dimension `dim`, of length 1, becomes when it is repeated. */
function axisFor(context: Context, op: TfOperator, layout: Layout, dim: number): 't' | 'f' | 'c' {
  const { t, f, c } = shapeOf({ layout } as Value);
  const readers = context.consumers.get(op.outputs[0] as number) ?? [];
  // Keras repeats rows in a new dimension after theirs, then reshapes
  const [beside] = layout.slice(0, dim).flatMap((_, d) => factorsOf(layout, d)).slice(-1); // biome-ignore format: one line
  if (beside && beside.axis !== 'c' && readers.length > 0 && readers.every((reader) => reader.op === 'RESHAPE'))
    return beside.axis;
  if (dim === layout.length - 1 && c === 1) return 'c';
  if (t === 1) return 't';
  if (f === 1) return 'f';
  throw new Refusal(`it repeats dimension ${dim} of ${showLayout(layout)}, which is neither time, features nor channels`);
}

/** Lowers TILE (by multiples) and BROADCAST_TO (to a shape). Only dimensions of length 1 are repeated. */
export function lowerTile(context: Context, op: TfOperator): void {
  const given = context.value(op, 0);
  sameQuant(context.input(op, 0), context.output(op), op.name);
  const stated = integersAt(context, op, 1);
  if (!stated) throw new Refusal('its shape is computed in a way that is not read');
  const isTile = op.op === 'TILE';
  let layout = isTile ? given.layout : raised(given.layout, stated.length);
  const from = fileShapeOf(layout);
  if (stated.length !== from.length || stated.some((n, d) => n < 1 || n > 65535 || (!isTile && from[d] !== 1 && from[d] !== n)))
    throw malformed(op, `[${stated.slice(0, 8).join(', ')}] does not fit [${from.join(', ')}]`);
  const by: Repeat = { t: 1, f: 1, c: 1 };
  for (const [d, n] of stated.entries()) {
    if (n === 1 || (!isTile && from[d] === n)) continue;
    if (from[d] !== 1)
      throw new Refusal(`it repeats dimension ${d} of ${showLayout(layout)}, of length ${from[d]}; only length 1 is read`);
    const axis = axisFor(context, op, layout, d);
    by[axis] *= n;
    layout = layout.with(d, [{ axis, length: n }]);
  }
  if (by.c > 1 && context.isInt8) throw new Refusal('it repeats one channel in an int8 model');
  const { quant } = context.builder.tensors[given.id] ?? {};
  const id = repeated(given.id, by, (kind, x, attrs) => context.node(kind, [x], attrs, op.name, quant));
  context.bind(op, { ...given, id, layout });
}

/** Returns the input index of each output index, in float32 as the reference kernel. */
function nearest(length: number, out: number, aligned: boolean, half: boolean): number[] {
  const scale = Math.fround(aligned && out > 1 ? (length - 1) / (out - 1) : length / out);
  return Array.from({ length: out }, (_, i) => {
    const at = Math.fround(Math.fround(i + (half ? 0.5 : 0)) * scale);
    return Math.max(0, Math.min(aligned ? Math.round(at) : Math.floor(at), length - 1));
  });
}

export function lowerResize(context: Context, op: TfOperator): void {
  const value = context.value(op, 0);
  const spatial = spatialOf(op, value.layout);
  if (spatial.merged) throw new Refusal('its channels hold feature rows');
  const isNearest = op.op === 'RESIZE_NEAREST_NEIGHBOR';
  const options = context.options(op);
  const [aligned, half] = (isNearest ? [0, 1] : [2, 3]).map((field) => options?.bool(field) ?? false) as [boolean, boolean];
  const sizes = integersAt(context, op, 1);
  if (sizes?.length !== 2) throw new Refusal('its size is not constant');
  const shape = shapeOf(value);
  const out = pick(spatial, positive(op, 'height', sizes[0] as number), positive(op, 'width', sizes[1] as number));
  const by = { t: out.t / shape.t, f: out.f / shape.f };
  const isEven = (axis: 't' | 'f') =>
    Number.isInteger(by[axis]) &&
    (by[axis] === 1 || (isNearest ? nearest(shape[axis], out[axis], aligned, half).every((from, i) => from === Math.floor(i / by[axis])) : !aligned)); // biome-ignore format: one line
  const uneven = (['t', 'f'] as const).find((axis) => !isEven(axis));
  if (uneven && (isNearest || context.isInt8 || context.stateful))
    throw new Refusal(
      `it makes ${out[uneven]} rows of ${shape[uneven]}${aligned ? ', with aligned corners' : ''}; only whole multiples, or bilinear resizing of float windows, are read`,
    );
  if (by.t * by.f === 1 && !uneven) {
    context.bind(op, value);
    return;
  }
  if (isNearest) {
    sameQuant(context.input(op, 0), context.output(op), op.name);
    context.emit(op, 'upsample', [value.id], { ...by, between: 'repeat' }, spatialLayout(spatial));
    return;
  }
  if (context.isInt8) throw new Refusal('interpolation has another int8 kernel');
  if (context.isStream(value.id)) throw new Refusal('it interpolates between the rows of one step');
  const x = { tensor: value.id, shape };
  const place = (axis: 't' | 'f') => placesOf(shape[axis], out[axis], aligned, half);
  const id = uneven
    ? resized(context.add, x, out, { t: place('t'), f: place('f') }, op.name)
    : rowsBetween(context.add, x, by, half ? 'middle' : 'start', op.name);
  context.bind(op, { ...value, id, layout: spatialLayout(spatial)(context.builder.shape(id)) });
}

/** Returns where the output rows of RESIZE_BILINEAR lie among the input rows. */
function placesOf(length: number, out: number, aligned: boolean, half: boolean): Place {
  const scale = aligned && out > 1 ? (length - 1) / (out - 1) : length / out;
  return (i) => (half ? (i + 0.5) * scale - 0.5 : i * scale);
}

/** Lowers MIRROR_PAD: mirrors the rows of the window at its ends. */
export function lowerMirrorPad(context: Context, op: TfOperator): void {
  const value = context.value(op, 0);
  sameQuant(context.input(op, 0), context.output(op), op.name);
  const amounts = integersAt(context, op, 1);
  const rank = value.layout.length;
  if (amounts?.length !== 2 * rank || amounts.some((n) => n < 0 || n > 65535)) throw malformed(op, 'its amounts are not pairs');
  const padded = value.layout.flatMap((_, d) => ((amounts[2 * d] as number) + (amounts[2 * d + 1] as number) > 0 ? [d] : []));
  const [at = 0, more] = padded;
  if (more !== undefined || axisOf(value.layout, at) !== 't' || factorsOf(value.layout, at).length > 1)
    throw new Refusal(`it mirrors dimensions ${padded.join(', ')} of ${showLayout(value.layout)}; only time is read`);
  if (context.isStream(value.id)) throw new Refusal('it mirrors the rows of one step, but the rows of steps follow one another');
  const [before, after] = [amounts[2 * at] as number, amounts[2 * at + 1] as number];
  const own = (context.options(op)?.int8(0) ?? 0) === 0 ? ('reflect' as const) : ('symmetric' as const);
  context.emit(op, 'history', [value.id], { before, after, own }, ({ t }) => value.layout.with(at, dim('t', t)));
}

/** Returns the value with dimension `at`, the steps of a recurrence, as frames (models/read/rows.ts). */
export function withSteps(context: Context, value: Value, at: number, name: string): Value {
  if (context.stateful) return value;
  const { tensor: id, layout } = asSteps(context, { tensor: value.id, layout: value.layout }, at, name);
  return { ...value, id, layout };
}
