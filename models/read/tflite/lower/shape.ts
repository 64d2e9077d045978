/**
 * Lowers RESHAPE, SQUEEZE, EXPAND_DIMS, TRANSPOSE and PAD, which change only the layout.
 *
 * In: a value.
 * Out: the same graph tensor with another layout. PAD leaves its zeros to the next convolution; only zeros
 * around the channels become a conv of their own. The target shape is the one that the file computes or
 * states; its number of elements is checked against the input's.
 * Source: TensorFlow Lite RESHAPE, SQUEEZE, EXPAND_DIMS, TRANSPOSE, PAD, PADV2 (int8 pads with the zero
 * point).
 */
import { RunletError } from '../../../error.ts';
import { fileShapeOf, type Layout, reshapeLayout, shapeOfLayout, transposeLayout } from '../../layout.ts';
import { zerosAround } from '../../picks.ts';
import { readFloats, readIntegers, readStored } from '../constants.ts';
import { axisOf, type Context, malformed, type PendingPad, Refusal, type Value } from '../context.ts';
import { integersAt, product } from '../integers.ts';
import type { TfOperator } from '../model.ts';
import { activationQuant, sameQuant } from '../quantisation.ts';

export function lowerReshape(context: Context, op: TfOperator): void {
  const value = shapeOnly(context, op);
  const shape = targetShape(context, op, value);
  context.bind(op, { ...value, layout: refusing(() => reshapeLayout(value.layout, shape, op.name)) });
}

/** Returns the output's file shape: the one that the file computes, or else the one that it states. */
function targetShape(context: Context, op: TfOperator, value: Value): number[] {
  const { shape } = context.output(op);
  if (value.batched) return [1, ...shape.slice(1)];
  const from = fileShapeOf(value.layout);
  if (op.op === 'EXPAND_DIMS') return expanded(op, from, integersAt(context, op, 1)?.[0]);
  if (op.op === 'SQUEEZE') return squeezed(op, from, context.options(op)?.int32s(0) ?? []);
  const stated = context.options(op)?.int32s(0) ?? [];
  const isTensor = op.inputs.length >= 2 && !context.input(op, 1).shape.includes(0);
  if (!isTensor && stated.length === 0) return shape;
  const wanted = isTensor ? integersAt(context, op, 1) : stated;
  if (!wanted) throw new Refusal('its shape is computed in a way that is not read');
  const known = product(wanted.filter((n) => n !== -1));
  return wanted.map((n) => (n === -1 ? product(from) / known : n));
}

function expanded(op: TfOperator, from: number[], axis: number | undefined): number[] {
  const dim = axis === undefined ? Number.NaN : axis < 0 ? axis + from.length + 1 : axis;
  if (!(dim >= 0 && dim <= from.length)) throw malformed(op, `axis ${axis} of ${from.length} dimensions does not exist`);
  return from.toSpliced(dim, 0, 1);
}

function squeezed(op: TfOperator, from: number[], axes: number[]): number[] {
  if (axes.length === 0) return from.filter((n) => n !== 1);
  const dims = axes.slice(0, 16).map((axis) => (axis < 0 ? axis + from.length : axis));
  if (dims.some((dim) => from[dim] !== 1))
    throw malformed(op, `dimensions [${dims.join(', ')}] of [${from.join(', ')}] are not all 1`);
  return from.filter((_, dim) => !dims.includes(dim));
}

export function lowerTranspose(context: Context, op: TfOperator): void {
  const value = shapeOnly(context, op);
  if (value.batched) throw new Refusal('it transposes between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND');
  const perm = readIntegers(context, op, context.input(op, 1));
  context.bind(op, { ...value, layout: refusing(() => transposeLayout(value.layout, perm)) });
}

/** Returns the input of an operator that moves no elements: its type and quantisation must not change. */
function shapeOnly(context: Context, op: TfOperator): Value {
  const value = context.rawValue(op, 0);
  const [from, to] = [context.input(op, 0), context.output(op)];
  if (from.type !== to.type) throw malformed(op, `it turns ${from.type} into ${to.type}`);
  sameQuant(from, to, op.name);
  return value;
}

export function lowerPad(context: Context, op: TfOperator): void {
  const value = context.value(op, 0, true);
  const [from, to] = [context.input(op, 0), context.output(op)];
  if (value.batched) throw new Refusal('it pads between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND');
  sameQuant(from, to, op.name);
  if (op.inputs.length > 2) checkPadValue(context, op);
  const amounts = readIntegers(context, op, context.input(op, 1));
  const rank = value.layout.length;
  if (amounts.length !== 2 * rank) throw malformed(op, `${amounts.length} padding amounts for ${rank} dimensions`);
  if (amounts.some((n) => n < 0 || n > 65535)) throw malformed(op, 'a padding amount is out of range');
  if (zerosBesideChannels(context, op, value, amounts)) return;
  const pad = { t: value.pad?.t ?? [0, 0], f: value.pad?.f ?? [0, 0] } as { t: PendingPad['t']; f: PendingPad['f'] };
  const layout: Layout = value.layout.map((factors, dim) => {
    const [before = 0, after = 0] = amounts.slice(2 * dim);
    if (before + after === 0) return factors;
    const axis = axisOf(value.layout, dim) ?? unitAxis(value.layout, dim);
    if (axis === 'c') throw new Refusal('it pads channels');
    if (axis === 't' && context.isStream(value.id))
      throw new Refusal('it pads the rows of one step, but the rows of steps follow one another');
    if (factors.length > 1) throw new Refusal(`it pads dimension ${dim}, which mixes axes`);
    pad[axis] = [pad[axis][0] + before, pad[axis][1] + after];
    return [{ axis, length: (factors[0]?.length ?? 1) + before + after }];
  });
  context.builder.notes.push(`${op.name}: zero padding, left to the convolution after it`);
  context.bind(op, { ...value, layout, pad });
}

/** Lowers padding around the channels of a float model to a convolution. Returns false for other padding. */
function zerosBesideChannels(context: Context, op: TfOperator, value: Value, amounts: readonly number[]): boolean {
  const padded = value.layout.flatMap((_, dim) => (amounts[2 * dim] || amounts[2 * dim + 1] ? [dim] : []));
  const [dim = 0, more] = padded;
  const { c } = shapeOfLayout(value.layout);
  const factors = value.layout[dim] ?? [];
  if (
    more !== undefined ||
    context.isInt8 ||
    value.pad ||
    factors.length !== 1 ||
    factors[0]?.axis !== 'c' ||
    factors[0].length !== c
  )
    return false;
  const [before = 0, after = 0] = amounts.slice(2 * dim);
  const attrs = zerosAround(c, before, after);
  if (!attrs) throw new Refusal('it pads many channels');
  context.model.view.spend(0, 4 * attrs.weights.data.length);
  context.folds = true;
  context.emit(op, 'conv', [value.id], attrs, () => value.layout.with(dim, [{ axis: 'c', length: attrs.outChannels }]));
  return true;
}

/** Returns the axis of a padded dimension of length 1: feature rows, if another dimension is time. */
export function unitAxis(layout: Layout, dim: number): 'f' {
  const { t, f } = shapeOfLayout(layout);
  if (dim > 0 && dim < layout.length - 1 && t > 1 && f === 1) return 'f';
  throw new Refusal(`it pads dimension ${dim}, which is neither time nor features`);
}

function checkPadValue(context: Context, op: TfOperator): void {
  const tensor = context.input(op, 2);
  const zero = context.isInt8 ? activationQuant(context.input(op, 0)).zeroPoint : 0;
  const [value] = (context.isInt8 ? readStored : readFloats)(context, op, tensor);
  if (value !== zero) throw new Refusal(`it pads with ${value}; only zero is padding of a convolution`);
}

/**
 * Turns RN120 and RN122 into a Refusal: a reshape that splits an axis, or a transposition that reorders one,
 * is listed with the other unsupported operators.
 */
function refusing<T>(resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    if (error instanceof RunletError && (error.code === 'RN120' || error.code === 'RN122'))
      throw new Refusal([error.parts.what, error.parts.why].filter(Boolean).join(': '));
    throw error;
  }
}
