/**
 * Common definition of lstm, gru and rnn: shape, streaming rule, and the loop over rows. Defines no operator.
 *
 * In: [t][f][c], the products of each frame with the input weights, with biases: `units` values per gate,
 * gates side by side.  Out: [t][1][units].  Each row adds U h + b, where h is the previous output, initially
 * 0. Streaming: a window is computed as a whole, from its first row. With `carry` the state carries over from
 * row to row, and the operator is point-wise.
 */
import type { QuantParams, RecurrentAttrs, Shape } from '../graph/types.ts';
import { type FloatTensor, type Hidden, misfit, type OpDef, pointwise } from './op.ts';
import { only, showShape } from './sliding.ts';
import { unary } from './unary.ts';

/** Number of gates of each cell. */
export const gatesOf = { lstm: 4, gru: 3, rnn: 1 } as const;

/** Quantisation of gate inputs in int8 graphs: int16, 12 fraction bits. Source: TFLM lstm_eval_common.cc. */
export const gateParams: QuantParams = { scale: 2 ** -12, zeroPoint: 0, type: 'int16' };

/**
 * Largest exponent of a gate's scale over 2^-12. A choice: gates up to 128; their functions saturate earlier.
 */
const maxGateShift = 4;
/** The same for inputs of unbounded functions, up to 8,192. */
const maxOpenShift = 10;

/**
 * Returns the left shift that gives a gate input 12 fraction bits; undefined if the scale does not allow it.
 */
export function gateShiftOf({ scale, zeroPoint, type }: QuantParams): number | undefined {
  const shift = Math.log2(scale / gateParams.scale);
  const fits = zeroPoint === 0 && type === 'int16' && Number.isInteger(shift) && shift >= 0 && shift <= maxOpenShift;
  return fits ? shift : undefined;
}

/**
 * Returns the quantisation that holds gate inputs up to `reach`. A clipped input would be wrong if the
 * recurrent products bring the sum back into the range.
 */
function gateParamsFor(reach: number, maxShift: number): QuantParams {
  const shift = Math.ceil(Math.log2(Math.max(1, reach / (32767 * gateParams.scale))));
  return { ...gateParams, scale: gateParams.scale * 2 ** Math.min(maxShift, shift) };
}

/** Returns the parts of the definition that are the same for all cells. */
export function cellDef<A extends RecurrentAttrs>(op: keyof typeof gatesOf, stepOf: (attrs: A) => CellStep) {
  const gates = gatesOf[op];
  return {
    shape(inputs, { units, recurrent, recurrentBias, reverse, carry }, name) {
      const x = only(inputs, name);
      if (x.f * x.c !== gates * units) throw misfit(name, `${gates} gates of ${units} units do not fit ${showShape(x)}`);
      if (recurrent.data.length !== gates * units * units)
        throw misfit(name, `${recurrent.data.length} recurrent weights instead of ${gates * units * units}`);
      if (recurrentBias && recurrentBias.length !== gates * units)
        throw misfit(name, `a recurrent bias of ${recurrentBias.length} for ${gates * units} sums`);
      if (reverse && carry) throw misfit(name, 'it reads the window backwards', 'its state cannot carry over from row to row');
      return { t: x.t, f: 1, c: units };
    },
    stream: ({ carry }) => (carry ? pointwise : { kind: 'whole' }),
    macsPerFrame: ({ units }) => gates * units * units,
    // number of skipped rows, latest output (int8), and cell or state (int16)
    stateBytes: ({ units, carry }) => (carry ? 4 + 3 * units : 0),
    inputParams({ fn }, [low, high], hidden) {
      const reach = Math.max(-low, high);
      // sums before an unbounded function must fit too: twice the observed maximum, as for the cell
      return fn ? gateParamsFor(Math.max(reach, 2 * (hidden?.sum ?? 0)), maxOpenShift) : gateParamsFor(reach, maxGateShift);
    },
    float: (xs, attrs, out) => walk(xs, attrs, out, stepOf(attrs as A)),
    hidden(xs, attrs, out) {
      const peak = { cell: 0, sum: 0 };
      walk(xs, attrs, out, stepOf(attrs as A), peak);
      return peak;
    },
  } satisfies Partial<OpDef<'rnn'>>;
}

/**
 * Returns the gates' function: the logistic one, or a line of this slope through (0, 1/2), clamped to 0..1.
 */
export const gateOf = ({ slope }: RecurrentAttrs): ((x: number) => number) =>
  slope === undefined ? unary.sigmoid.of : (x) => Math.min(1, Math.max(0, slope * x + 0.5));

/** Returns the function of a state. */
export const stateFn = ({ fn }: RecurrentAttrs): ((x: number) => number) =>
  fn === undefined ? Math.tanh : fn === 'relu' ? (x) => Math.max(0, x) : (x) => x;

/** Returns a function for element o of U h + b. */
export function recurrentSums({ units, recurrent, recurrentBias }: RecurrentAttrs): (o: number, h: Float64Array) => number {
  const { data } = recurrent;
  return (o, h) => {
    let s = recurrentBias?.[o] ?? 0;
    for (let j = 0; j < units; j++) s += (data[o * units + j] as number) * (h[j] as number);
    return s;
  };
}

/** Inputs and state of a cell at one row. */
export interface CellRow {
  /** Gate inputs of the row, [gate][unit]. */
  g: ArrayLike<number>;
  /** Previous output, [unit]. */
  before: Float64Array;
  /** Cell state of an lstm, [unit], initially 0. The step updates it. */
  cell: Float64Array;
  /** Element o of U h + b. */
  sum: (o: number, h: Float64Array) => number;
  /** Running maxima. The step raises them. */
  peak: Hidden;
}

/** Computes one row and writes its output to h. */
export type CellStep = (row: CellRow, h: Float64Array) => void;

/** Runs a cell over all rows. */
function walk(
  xs: FloatTensor[],
  attrs: RecurrentAttrs,
  out: Shape,
  step: CellStep,
  peak: Hidden = { cell: 0, sum: 0 },
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
    step({ g: x.data.subarray(row * width, (row + 1) * width), before, cell, sum, peak }, h);
    y.set(h, row * units);
    before = h;
  }
  return y;
}
