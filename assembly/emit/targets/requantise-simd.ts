/**
 * simd: fields of a parameter block for requantisation, in float32 if that is proved, else in integers.
 * Helpers only, no operator.
 *
 * In: multipliers, shifts, clamp, and the largest |sum + bias| of output o.  Out: fields of SimdBlock, in the
 * layouts of assembly/kernels/mac-simd.ts.
 */
import { exponentOf } from '../../../quant/fixed-point.ts';
import type { SimdBlock } from '../blocks.ts';
import type { EmitContext } from '../ops/op.ts';
import { type Finish, floatTables, magicBits } from './requantise-f32.ts';

export type { Finish } from './requantise-f32.ts';

type Largest = (o: number) => number;

/**
 * Checks whether mac-simd.ts can requantise: in integers with two roundings if every shift is -31 to -3 and
 * sums are below 2^30, in floats if there are tables.
 */
export const mayRequantise = (p: Finish, largest: Largest): boolean =>
  p.shift.every((shift, o) => exponentOf(shift) <= -1 && exponentOf(shift) >= -31 && largest(o) < 2 ** 30) &&
  (p.shift.every((shift) => shift <= -3) || floatTables(p, largest) !== undefined);

/** Checks whether sums, from their start values, fit 32 bits after a shift to the left by `bits`. */
export const mayShift = (p: Finish, largest: Largest, bits: number): boolean => {
  const start = floatTables(p, largest)?.start ?? p.bias;
  return p.bias.every((bias, o) => largest(o) + Math.abs(bias - (start[o] as number)) < 2 ** (31 - bits));
};

/** Returns what kernels add to a sum before the last halving: twice the zero point, and 1 to round. */
export const roundingZero = (p: Pick<Finish, 'yZero'>): number => 2 * p.yZero + 1;

/** Pads `length` values with zeros to a multiple of 8. A single value is repeated `length` times. */
function inEights<T extends Int32Array | Float32Array>(values: T, length: number): T {
  const out = new (values.constructor as new (length: number) => T)(8 * Math.ceil(length / 8));
  if (values.length === 1) return out.fill(values[0] as number, 0, length) as T;
  out.set(values);
  return out;
}

export type FinishFields = Pick<
  SimdBlock,
  'y_zero' | 'bias' | 'signed_bias' | 'multiplier' | 'shift' | 'integers' | 'magic' | 'below'
>;

/** Returns the excess of the sum of output o if zero points are not subtracted from inputs. */
export type Excess = (o: number) => number;

export interface FinishOptions {
  outputs?: number;
  excess?: Excess;
  /** relaxed: the excess in the form of signed bytes. */
  signedExcess?: Excess;
  /** Bits by which the kernel shifts its sums to the left. Default: 0. */
  up?: number;
}

/** Packs the tables for `outputs` outputs. */
export function finishFields(
  p: Finish,
  largest: Largest,
  ctx: EmitContext,
  { outputs = p.bias.length, excess = () => 0, signedExcess, up = 0 }: FinishOptions = {},
): FinishFields {
  if (p.min > -128 || p.max < 127) ctx.need('CLAMPS');
  const table = (values: Int32Array | Float32Array) => ctx.table(inEights(values, outputs));
  const starts = (values: Int32Array) => ({
    bias: table(values.map((value, o) => (value - excess(o)) << up)),
    signed_bias: signedExcess ? table(values.map((value, o) => value - signedExcess(o))) : 0,
  });
  const floats = floatTables(p, largest);
  if (floats?.below) ctx.need('SIGNED');
  if (floats)
    return {
      y_zero: floats.zero,
      ...starts(floats.start),
      multiplier: table(floats.scale.map((scale) => scale / 2 ** up)),
      shift: table(floats.offset),
      integers: 0,
      magic: magicBits,
      below: floats.below ? table(floats.below) : 0,
    };
  ctx.need('EXACT');
  return {
    y_zero: roundingZero(p),
    ...starts(p.bias),
    multiplier: table(p.multiplier),
    shift: table(p.shift.map((shift) => 2 ** (33 + shift))),
    integers: 1,
    magic: 0,
    below: 0,
  };
}
