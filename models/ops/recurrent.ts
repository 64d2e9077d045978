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
import { type FloatTensor, misfit, pointwise, type StreamRule } from './op.ts';
import { only, showShape } from './sliding.ts';

/** Gates of each cell. */
export const gatesOf = { lstm: 4, gru: 3, rnn: 1 } as const;

/**
 * What an int8 graph reads: int16, of which 12 bits lie behind the point. Source: TensorFlow Lite Micro,
 * lstm_eval_common.cc.
 */
export const gateParams: QuantParams = { scale: 2 ** -12, zeroPoint: 0, type: 'int16' };

/** Rows of a window, or, with the state carried on, one after the other. */
export const recurrentRule = ({ carry }: RecurrentAttrs): StreamRule => (carry ? pointwise : { kind: 'whole' });

export function recurrentShape(gates: number): (inputs: Shape[], attrs: RecurrentAttrs, name: string) => Shape {
  return (inputs, { units, recurrent, recurrentBias, reverse, carry }, name) => {
    const x = only(inputs, name);
    if (x.f * x.c !== gates * units) throw misfit(name, `${gates} gates of ${units} units do not fit ${showShape(x)}`);
    if (recurrent.data.length !== gates * units * units)
      throw misfit(name, `${recurrent.data.length} recurrent weights, and ${gates * units * units} are needed`);
    if (recurrentBias && recurrentBias.length !== gates * units)
      throw misfit(name, `a recurrent bias of ${recurrentBias.length} for ${gates * units} sums`);
    if (reverse && carry) throw misfit(name, 'it reads the window backwards', 'its state cannot go on from row to row');
    return { t: x.t, f: 1, c: units };
  };
}

export const recurrentMacs =
  (gates: number) =>
  ({ units }: RecurrentAttrs): number =>
    gates * units * units;

/** Rows left out, the latest output, and a cell or state of int16. */
export const recurrentState = ({ units, carry }: RecurrentAttrs): number => (carry ? 4 + 3 * units : 0);

/** The real weight i and bias o; integers have their scales beside them. */
export function realWeights({ recurrent, recurrentBias, units }: RecurrentAttrs) {
  const { data, scales } = recurrent;
  const scale = (o: number) => (scales ? (scales[scales.length > 1 ? o : 0] as number) : 1);
  return {
    weight: Float64Array.from(data, (w, i) => w * scale(Math.floor(i / units))),
    bias: recurrentBias instanceof Float32Array ? recurrentBias : undefined,
  };
}

export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** The gates' function: the logistic one, or a straight line of this slope through (0, 1/2) between 0 and 1. */
export const gateOf = ({ slope }: RecurrentAttrs): ((x: number) => number) =>
  slope === undefined ? logistic : (x) => Math.min(1, Math.max(0, slope * x + 0.5));

/** One row: g is the input's products, s = U h + b of the output before; writes the new output to h. */
export type CellStep = (g: Float32Array, s: (o: number) => number, h: Float64Array) => void;

/** Runs a cell over all rows. `step` makes the next output from the one before, which stays as it is meanwhile. */
export function walk(xs: FloatTensor[], attrs: RecurrentAttrs, out: Shape, step: CellStep): Float32Array {
  const x = only(xs, 'recurrence');
  const { units, reverse } = attrs;
  const { weight, bias } = realWeights(attrs);
  const width = x.shape.f * x.shape.c;
  const y = new Float32Array(out.t * units);
  let before = new Float64Array(units);
  const sum = (o: number): number => {
    let s = bias?.[o] ?? 0;
    for (let j = 0; j < units; j++) s += (weight[o * units + j] as number) * (before[j] as number);
    return s;
  };
  for (let i = 0; i < out.t; i++) {
    const row = reverse ? out.t - 1 - i : i;
    const next = new Float64Array(units);
    step(x.data.subarray(row * width, (row + 1) * width), sum, next);
    y.set(next, row * units);
    before = next;
  }
  return y;
}
