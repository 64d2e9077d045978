/**
 * Integer arithmetic that lstm, gru and rnn share: recurrent products, and the loop over rows. Defines no
 * operator.
 *
 * In: int16 gate inputs of scale 2^-12 to 2^-2, an int8 output tensor.  Out: parameters; rows of int8.
 * g = saturate((x + requantise(b + sum u (h - zero))) 2^shift), int16 with 12 fraction bits.  Source:
 * TensorFlow Lite Micro lstm_eval.h.
 */
import { RunletError } from '../../models/error.ts';
import type { NodeOf, QuantParams, RecurrentAttrs, Shape, Tensor } from '../../models/graph/types.ts';
import { gateShiftOf } from '../../models/ops/recurrent.ts';
import { only } from '../../models/ops/sliding.ts';
import { clampInt, quantizeMultiplier, requantise, roundHalfAway } from '../fixed-point.ts';
import { int16, line16, logistic16, tanh16 } from './gates.ts';
import { type IntTensor, quantOf, type RecurrentParams } from './op.ts';

type RecurrentNode = NodeOf<'lstm'> | NodeOf<'gru'> | NodeOf<'rnn'>;

/** How int16 represents the result of a state's function: its smallest value and its scale. */
interface StateScale {
  floor?: number;
  unit: number;
}

/** tanh has 15 fraction bits; the other functions are unbounded and keep the scale of the gate inputs. */
const stateScale = ({ fn }: RecurrentAttrs, { scale }: QuantParams): StateScale =>
  fn === undefined ? { unit: 2 ** -15 } : { floor: fn === 'relu' ? 0 : -32768, unit: scale };

/** @param product maps the scale of states to the scale of the value that is rescaled to the output */
export function recurrentParams(
  { attrs, name }: RecurrentNode,
  x: Tensor | undefined,
  y: Tensor,
  product: (unit: number) => number = (unit) => unit,
): RecurrentParams {
  const { data, scales } = attrs.recurrent;
  const { recurrentBias, units } = attrs;
  if (!(data instanceof Int8Array) || !scales || recurrentBias instanceof Float32Array)
    throw new RunletError('RN401', {
      what: 'weights are not int8',
      where: name,
      tryThis: 'quantise the model with calibration data first',
    });
  const yq = quantOf(y, name);
  const xq = quantOf(x, name);
  const gateShift = gateShiftOf(xq);
  if (gateShift === undefined || yq.type === 'int16')
    throw new RunletError('RN440', {
      what: 'a recurrent operator reads int16 of a scale of 2^-12 to 2^-2 and writes int8',
      where: name,
      why: 'its cell is computed in these types (docs/adr/0030)',
      tryThis: 'quantise the float model again',
    });
  const state = stateScale(attrs, xq);
  const sums = data.length / units;
  const found = Array.from({ length: sums }, (_, o) =>
    quantizeMultiplier((yq.scale * (scales[scales.length > 1 ? o : 0] as number)) / xq.scale),
  );
  const bias = Int32Array.from({ length: sums }, (_, o) => {
    let all = 0;
    for (let j = 0; j < units; j++) all += data[o * units + j] as number;
    return (recurrentBias?.[o] ?? 0) - yq.zeroPoint * all;
  });
  return {
    units,
    weights: data,
    bias,
    multiplier: Int32Array.from(found, (m) => m.multiplier),
    shift: Int32Array.from(found, (m) => m.shift),
    gateShift,
    zero: yq.zeroPoint,
    ...state,
    output: quantizeMultiplier(product(state.unit) / yq.scale),
    reverse: attrs.reverse,
    carry: attrs.carry ?? false,
    slope: attrs.slope === undefined ? 0 : roundHalfAway(attrs.slope * 2 ** 15),
    types: { x: 'int16', y: 'int8' },
  };
}

/** Returns sum o of the products with an int8 vector, in the scale of the gate inputs. */
export function recurrentSum(p: RecurrentParams, o: number, h: Int8Array): number {
  const { units, weights } = p;
  let acc = p.bias[o] as number;
  for (let j = 0; j < units; j++) acc += (weights[o * units + j] as number) * (h[j] as number);
  return int16(requantise(acc | 0, p.multiplier[o] as number, p.shift[o] as number));
}

/** Converts a sum from the scale of the gate inputs to 12 fraction bits. */
const gateSum = ({ gateShift }: RecurrentParams, sum: number): number => int16(sum << gateShift);

/** Applies a gate's function to its sum. */
export function gate16(p: RecurrentParams, sum: number): number {
  const x = gateSum(p, sum);
  return p.slope === 0 ? logistic16(x) : line16(x, p.slope);
}

/** Applies the state's function to its sum. */
export const state16 = (p: RecurrentParams, sum: number): number =>
  p.floor === undefined ? tanh16(gateSum(p, sum)) : Math.max(p.floor, int16(sum));

/** Converts a value of the scale that `output` expects to int8. */
export const outputOf = (p: RecurrentParams, x: number): number =>
  clampInt(p.zero + requantise(x, p.output.multiplier, p.output.shift), -128, 127);

/**
 * Computes one row and writes its output to h. `x(o)`: gate input of the row. `sum(o)`: x(o) plus the
 * products with the previous output `before`.
 */
export type IntStep = (sum: (o: number) => number, before: Int8Array, h: Int8Array, x: (o: number) => number) => void;

export function walkInts(p: RecurrentParams, xs: IntTensor[], out: Shape, step: IntStep): Int8Array {
  const { data } = only(xs, 'recurrence');
  const y = new Int8Array(out.t * p.units);
  const width = p.bias.length;
  let before = new Int8Array(p.units).fill(p.zero);
  for (let i = 0; i < out.t; i++) {
    const row = p.reverse ? out.t - 1 - i : i;
    const x = (o: number) => data[row * width + o] as number;
    const h = y.subarray(row * p.units, (row + 1) * p.units);
    step((o) => x(o) + recurrentSum(p, o, before), before, h, x);
    before = h;
  }
  return y;
}
