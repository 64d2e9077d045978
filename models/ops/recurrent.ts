/**
 * What lstm, gru and rnn share: attributes, shape, streaming rule, and the walk from row to row. Holds no
 * operator.
 *
 * In: [t][f][c], the products of each frame with the input weights, biases added: gates side by side, `units`
 * values each.  Out: [t][1][units].  What a row adds is U h + b of the output h before it, at first 0.
 * Streaming: from a window's first row on, so that a window is computed as a whole; with `carry` the state
 * goes on from row to row, and the operator is point-wise.
 */
import type { QuantParams, RecurrentAttrs, Shape } from '../graph/types.ts';
import { type FloatTensor, type Hidden, misfit, type OpDef, pointwise } from './op.ts';
import { only, showShape } from './sliding.ts';
import { unary } from './unary.ts';

/** Gates of each cell. */
export const gatesOf = { lstm: 4, gru: 3, rnn: 1 } as const;

/**
 * What an int8 graph reads: int16, of which 12 bits lie behind the point. Source: TensorFlow Lite Micro,
 * lstm_eval_common.cc.
 */
export const gateParams: QuantParams = { scale: 2 ** -12, zeroPoint: 0, type: 'int16' };

/** A choice: gates up to 128, far beyond where their functions end. */
const mostGateShift = 4;
/** The same for sums that no function ends, up to 8,192. */
const mostOpenShift = 10;

/** Bits that gates of such a scale are shifted left to have 12 behind the point; undefined: no such scale. */
export function gateShiftOf({ scale, zeroPoint, type }: QuantParams): number | undefined {
  const shift = Math.log2(scale / gateParams.scale);
  const fits = zeroPoint === 0 && type === 'int16' && Number.isInteger(shift) && shift >= 0 && shift <= mostOpenShift;
  return fits ? shift : undefined;
}

/**
 * The scale that holds products of the input as far as `reach`: one that is cut off would be wrong where the
 * products of the output before it take it back.
 */
function gateParamsFor(reach: number, most: number): QuantParams {
  const shift = Math.ceil(Math.log2(Math.max(1, reach / (32767 * gateParams.scale))));
  return { ...gateParams, scale: gateParams.scale * 2 ** Math.min(most, shift) };
}

/** What the definitions of all cells say alike. */
export function cellDef<A extends RecurrentAttrs>(op: keyof typeof gatesOf, stepOf: (attrs: A) => CellStep) {
  const gates = gatesOf[op];
  return {
    shape(inputs, { units, recurrent, recurrentBias, reverse, carry }, name) {
      const x = only(inputs, name);
      if (x.f * x.c !== gates * units) throw misfit(name, `${gates} gates of ${units} units do not fit ${showShape(x)}`);
      if (recurrent.data.length !== gates * units * units)
        throw misfit(name, `${recurrent.data.length} recurrent weights, and ${gates * units * units} are needed`);
      if (recurrentBias && recurrentBias.length !== gates * units)
        throw misfit(name, `a recurrent bias of ${recurrentBias.length} for ${gates * units} sums`);
      if (reverse && carry) throw misfit(name, 'it reads the window backwards', 'its state cannot go on from row to row');
      return { t: x.t, f: 1, c: units };
    },
    // rows of a window, or, with the state carried on, one after the other
    stream: ({ carry }) => (carry ? pointwise : { kind: 'whole' }),
    macsPerFrame: ({ units }) => gates * units * units,
    // rows left out, the latest output, and a cell or state of int16
    stateBytes: ({ units, carry }) => (carry ? 4 + 3 * units : 0),
    inputParams({ fn }, [low, high], hidden) {
      const reach = Math.max(-low, high);
      // what no function ends has to fit with the products of the output: twice what was seen, as the cell
      return fn ? gateParamsFor(Math.max(reach, 2 * (hidden?.sum ?? 0)), mostOpenShift) : gateParamsFor(reach, mostGateShift);
    },
    float: (xs, attrs, out) => walk(xs, attrs, out, stepOf(attrs as A)),
    hidden(xs, attrs, out) {
      const most = { cell: 0, sum: 0 };
      walk(xs, attrs, out, stepOf(attrs as A), most);
      return most;
    },
  } satisfies Partial<OpDef<'rnn'>>;
}

/** The gates' function: the logistic one, or a line of this slope through (0, 1/2), from 0 to 1. */
export const gateOf = ({ slope }: RecurrentAttrs): ((x: number) => number) =>
  slope === undefined ? unary.sigmoid.of : (x) => Math.min(1, Math.max(0, slope * x + 0.5));

/** The function of a state. */
export const stateFn = ({ fn }: RecurrentAttrs): ((x: number) => number) =>
  fn === undefined ? Math.tanh : fn === 'relu' ? (x) => Math.max(0, x) : (x) => x;

/** Sum o of U h + b. */
export function recurrentSums({ units, recurrent, recurrentBias }: RecurrentAttrs): (o: number, h: Float64Array) => number {
  const { data } = recurrent;
  return (o, h) => {
    let s = recurrentBias?.[o] ?? 0;
    for (let j = 0; j < units; j++) s += (data[o * units + j] as number) * (h[j] as number);
    return s;
  };
}

/** What a cell has at one row. */
export interface CellRow {
  /** The input's products. */
  g: ArrayLike<number>;
  /** The output before. */
  before: Float64Array;
  /** Its own to change: what goes on beside the output, at first 0. */
  cell: Float64Array;
  /** U h + b. */
  sum: (o: number, h: Float64Array) => number;
  /** To be raised. */
  most: Hidden;
}

/** Writes a row's output to h. */
export type CellStep = (row: CellRow, h: Float64Array) => void;

/** Runs a cell over all rows. */
function walk(
  xs: FloatTensor[],
  attrs: RecurrentAttrs,
  out: Shape,
  step: CellStep,
  most: Hidden = { cell: 0, sum: 0 },
): Float32Array {
  const x = only(xs, 'recurrence');
  const { units, reverse } = attrs;
  const width = x.shape.f * x.shape.c;
  const y = new Float32Array(out.t * units);
  const sum = recurrentSums(attrs);
  const cell = new Float64Array(units);
  let before = new Float64Array(units);
  for (let i = 0; i < out.t; i++) {
    const row = reverse ? out.t - 1 - i : i;
    const h = new Float64Array(units);
    step({ g: x.data.subarray(row * width, (row + 1) * width), before, cell, sum, most }, h);
    y.set(h, row * units);
    before = h;
  }
  return y;
}
