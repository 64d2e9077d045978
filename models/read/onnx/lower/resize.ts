/**
 * Lowers Resize and Upsample in time and features: repeats rows, or interpolates between them.
 *
 * In: an activation, factors or sizes.  Out: upsample, or operators from between.ts.  Source: ONNX Resize-19,
 * Upsample-9. Mode nearest needs a whole factor and coordinates that repeat every row equally often. Mode
 * linear needs a float file: whole factors use between.ts, others a matrix over all places.
 */
import type { UpsampleAttrs } from '../../../graph/types.ts';
import { lookup } from '../../../lookup.ts';
import { linesBetween, rowsBetween } from '../../between.ts';
import { dim, fileShapeOf } from '../../layout.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import { type Activation, axisOfDim, type Value, wholeAxis } from '../values.ts';
import { mixed, withQuant } from './regroup.ts';

/** Position of output place i among the inputs, with `factor` outputs per input. */
const coordinates: Readonly<Record<string, (i: number, factor: number) => number>> = {
  asymmetric: (i, factor) => i / factor,
  half_pixel: (i, factor) => (i + 0.5) / factor - 0.5,
  pytorch_half_pixel: (i, factor) => (i + 0.5) / factor - 0.5,
  half_pixel_symmetric: (i, factor) => (i + 0.5) / factor - 0.5,
};
const roundings: Readonly<Record<string, (x: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
};

/** Returns the factor of each dimension of the file, and the lengths that result. */
function factorsOf(ctx: Lowering, node: NodeView, dims: readonly number[]): { factors: number[]; sizes: number[] } {
  const scales = node.op === 'Upsample' ? ctx.optional(node, 1, 'scales') : ctx.optional(node, 2, 'scales');
  const sizes = scales?.data.length ? undefined : ctx.optional(node, 3, 'sizes');
  const stated = [...(node.attributes.floats('scales') ?? (sizes ?? scales)?.data ?? [])];
  const listed = node.attributes.ints('axes') ?? dims.map((_, d) => d);
  if (stated.length !== listed.length) refuse(`${stated.length} factors for ${listed.length} dimensions`);
  const factors = dims.map((length, d) => {
    const given = stated[listed.indexOf(d)];
    return given === undefined ? 1 : sizes ? given / length : given;
  });
  const made = dims.map((length, d) => Math.floor(length * (factors[d] as number) + (sizes ? 0.5 : 0)));
  if (!made.every((n) => n >= 1 && n < 2 ** 16)) refuse(`factors of ${factors.join(', ')}`);
  return { factors, sizes: made };
}

function checkEven(coordinate: string, rounding: string, factor: number): void {
  const place = coordinates[coordinate];
  const round = roundings[rounding];
  const even = Array.from({ length: 2 * factor }, (_, i) => i).every(
    (i) => place && round && Math.max(0, round(place(i, factor))) === Math.floor(i / factor),
  );
  if (!even) refuse(`coordinates ${coordinate}, ${rounding} by ${factor} do not repeat every row equally often`);
}

/** Interpolates between rows by whole factors. */
function between(ctx: Lowering, node: NodeView, x: Activation, { t, f }: UpsampleAttrs, coordinate: string): number {
  if (ctx.quantised) refuse('linear interpolation, in a quantised graph');
  const place = coordinates[coordinate] ?? refuse(`coordinates ${coordinate} with mode linear`);
  const shape = ctx.builder.shape(x.tensor);
  return rowsBetween(ctx.add, { tensor: x.tensor, shape }, { t, f }, place(0, 2) === 0 ? 'start' : 'middle', node.name);
}

/** Position of output place i among `length` inputs that become `out` outputs. */
const placesAt: Readonly<Record<string, (i: number, length: number, out: number) => number>> = {
  ...Object.fromEntries(
    Object.entries(coordinates).map(([name, place]) => [
      name,
      (i: number, length: number, out: number) => place(i, out / length),
    ]),
  ),
  pytorch_half_pixel: (i, length, out) => (out > 1 ? ((i + 0.5) * length) / out - 0.5 : 0),
  align_corners: (i, length, out) => (out > 1 ? (i * (length - 1)) / (out - 1) : 0),
};

/** Interpolates each dimension of the whole window by a matrix. */
function byMatrices(ctx: Lowering, node: NodeView, x: Activation, sizes: readonly number[], coordinate: string): Activation {
  const place = lookup(placesAt, coordinate) ?? refuse(`coordinates ${coordinate} with mode linear`);
  const lines = (out: number) => (length: number) => linesBetween(length, out, (i) => place(i, length, out));
  return sizes.reduce(
    (y, out, at) => (out === fileShapeOf(y.layout)[at] ? y : mixed(ctx, y, at, out, lines(out), `${node.name}/${at}`)),
    x,
  );
}

export function lowerResize(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, { raw: true });
  const { attributes } = node;
  attributes.ignore('cubic_coeff_a', 'exclude_outside', 'extrapolation_value', 'antialias', 'keep_aspect_ratio_policy');
  const mode = attributes.string('mode', 'nearest');
  const plain = node.op === 'Upsample';
  const coordinate = attributes.string('coordinate_transformation_mode', plain ? 'asymmetric' : 'half_pixel');
  const rounding = attributes.string('nearest_mode', plain ? 'floor' : 'round_prefer_floor');
  if (mode !== 'nearest' && mode !== 'linear') refuse(`mode ${mode}: nearest and linear are read`);
  const attrs: UpsampleAttrs = { t: 1, f: 1, between: 'repeat' };
  const dims = fileShapeOf(x.layout);
  const layout = [...x.layout];
  const { factors, sizes } = factorsOf(ctx, node, dims);
  const isRegular = factors.every((factor, at) => Number.isInteger(factor) && (factor === 1 || axisOfDim(x.layout, at) !== 'c'));
  if (mode === 'linear' && (!isRegular || !(coordinate in coordinates)) && !ctx.quantised)
    return [byMatrices(ctx, node, x, sizes, coordinate)];
  for (const [at, factor] of factors.entries()) {
    if (factor === 1) continue;
    if (!Number.isInteger(factor)) refuse(`the factor ${factor} is not a whole number`);
    const axis = axisOfDim(x.layout, at);
    if (axis === 'c') return refuse('it repeats channels');
    wholeAxis(x.layout, at, axis);
    attrs[axis] *= factor;
    if (mode === 'nearest') checkEven(coordinate, rounding, factor);
    layout[at] = dim(axis, (dims[at] as number) * factor);
  }
  if (attrs.t === 1 && attrs.f === 1) return [x];
  if (mode === 'linear') return [ctx.activationOf(between(ctx, node, x, attrs, coordinate), layout)];
  return [withQuant(ctx, x, ctx.activationOf(ctx.emit('upsample', [x.tensor], attrs, node.name), layout))];
}
