/**
 * Finds which cell a loop's body computes, by evaluating it; its operators do not matter.
 *
 * In: a body as a function of a row and the states, with its logistic, tanh and ReLU tensors.  Out: a Cell.
 * The input of a gate's function is affine in the row and the previous output; unit vectors reveal its
 * weights. For a gru, the reset gate is held at 0 and at 1. A cell is accepted only if its formula gives the
 * body's states for random rows and states. Cost: one evaluation per input and per unit.
 */
import type { GruAttrs, OpenFn } from '../graph/types.ts';
import { join } from '../lists.ts';
import { gruStep } from '../ops/gru.ts';
import { lstmStep } from '../ops/lstm.ts';
import { type CellStep, recurrentSums } from '../ops/recurrent.ts';
import { rnnStep } from '../ops/rnn.ts';
import type { Cell } from './recurrent.ts';

/** Returns the values of a tensor of the body. */
export type Values = (tensor: number) => Float64Array;

export interface Body {
  inputs: number;
  units: number;
  /** Logistic functions (gates), then those of a state: input and output tensors of `units` values. */
  logistics: Nonlinear[];
  functions: Nonlinear[];
  /** Function of a state. Default: tanh. */
  fn?: OpenFn;
  /** True if gates are straight lines cut off at 0 and 1; `from` then holds the line before the cut. */
  lines?: true;
  /** Tensors of the next states, in the order of the states; the first is the output. */
  next: number[];
  /** `held`: tensors that are replaced by one constant value. */
  evaluate(x: Float64Array, states: Float64Array[], held?: ReadonlyMap<number, number>): Values;
}

interface Nonlinear {
  from: number;
  to: number;
}

/** Returns the functions of a body by their operators' names. @param cut sums that are cut off at 0 and 1 */
export function functionsIn(
  of: (operator: string) => Nonlinear[],
  names: { logistic: string; tanh: string; relu: string },
  cut: Nonlinear[] = [],
): Pick<Body, 'logistics' | 'functions' | 'fn' | 'lines'> {
  const [smooth, tanhs, relus] = [of(names.logistic), of(names.tanh), of(names.relu)];
  const gates = smooth.length > 0 ? { logistics: smooth } : { logistics: cut, ...(cut.length > 0 && { lines: true as const }) };
  if (tanhs.length > 0) return { ...gates, functions: tanhs };
  return { ...gates, functions: relus, fn: relus.length > 0 ? 'relu' : 'linear' };
}

/** Slope of straight-line gates. Any slope describes the same gates; this is the value of Keras. */
const lineSlope = 0.2;

/** Returns the inputs of the gates' functions; the first `count` parts of `affine` are gates. */
function intoGates(body: Body, affine: Affine, count: number): Affine {
  if (!body.lines) return affine;
  const to = (v: Float64Array, end: number, half = 0) => v.map((x, i) => (i < end ? (x - half) / lineSlope : x));
  const rows = count * body.units;
  return { w: to(affine.w, rows * body.inputs), u: to(affine.u, rows * body.units), b: to(affine.b, rows, 0.5) };
}

/** Affine functions of all gates: W [gate * units + unit][inputs], U [...][units], b [...]. */
interface Affine {
  w: Float64Array;
  u: Float64Array;
  b: Float64Array;
}

const unit = (length: number, at: number): Float64Array => {
  const v = new Float64Array(length);
  if (at >= 0) v[at] = 1;
  return v;
};

/** Returns `tensors` as affine functions of the row and the first state. */
function affineOf(body: Body, tensors: number[], held?: ReadonlyMap<number, number>): Affine {
  const { inputs, units, next } = body;
  const at = (x: number, h: number) => {
    const states = next.map((_, i) => unit(units, i === 0 ? h : -1));
    const values = body.evaluate(unit(inputs, x), states, held);
    return tensors.map((id) => values(id));
  };
  const zero = at(-1, -1);
  const b = Float64Array.from(zero.flatMap((v) => [...v]));
  const columns = (count: number, of: (i: number) => Float64Array[]): Float64Array => {
    const all = new Float64Array(b.length * count);
    for (let i = 0; i < count; i++)
      for (const [gate, v] of of(i).entries())
        for (let k = 0; k < units; k++) all[(gate * units + k) * count + i] = (v[k] as number) - (zero[gate]?.[k] as number);
    return all;
  };
  return { w: columns(inputs, (i) => at(i, -1)), u: columns(units, (i) => at(-1, i)), b };
}

const steps: { [K in Cell['op']]: (attrs: Cell & GruAttrs) => CellStep } = { lstm: lstmStep, gru: gruStep, rnn: rnnStep };

/** Returns the cell's operator for one row; its results are the output and the cell state. */
function stepOf(cell: Cell, inputs: number): (x: Float64Array, states: Float64Array[]) => Float64Array[] {
  const attrs = { ...cell, resetAfter: cell.resetAfter === true };
  const { data } = cell.input;
  const [step, sum] = [steps[cell.op](attrs), recurrentSums(attrs)];
  return (x, [before, cellState]) => {
    const g = Float64Array.from(cell.bias as Float32Array, (b, o) => {
      let s = b;
      for (let i = 0; i < inputs; i++) s += (data[o * inputs + i] as number) * (x[i] as number);
      return s;
    });
    const [h, c] = [new Float64Array(cell.units), cellState?.slice() ?? new Float64Array(cell.units)];
    step({ g, before: before as Float64Array, cell: c, sum, peak: { cell: 0, sum: 0 } }, h);
    return [h, c];
  };
}

/** Returns the cell if its operator gives the body's next states for five draws of a fixed sequence. */
function verified(body: Body, cell: Cell): Cell | undefined {
  const step = stepOf(cell, body.inputs);
  let seed = 1;
  const draw = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 31 - 1;
  };
  for (let n = 0; n < 5; n++) {
    const x = Float64Array.from({ length: body.inputs }, draw);
    const states = body.next.map(() => Float64Array.from({ length: body.units }, draw));
    const values = body.evaluate(x, states);
    const wanted = body.next.map((id) => values(id));
    const got = step(x, states);
    // the body's constants are float32
    const near = (a: number, b: number) => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(a));
    if (!wanted.every((v, i) => v.every((a, k) => near(a, got[i]?.[k] as number)))) return undefined;
  }
  return cell;
}

function orders<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first, i) => orders(items.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}

const floats = (v: Float64Array): Float32Array => Float32Array.from(v);
const cellOf = (op: Cell['op'], { units, fn, lines }: Body, { w, u, b }: Affine): Cell => ({
  op,
  units,
  ...(fn && { fn }),
  ...(lines && { slope: lineSlope }),
  input: { data: floats(w) },
  bias: floats(b),
  recurrent: { data: floats(u) },
  recurrentBias: null,
  reverse: false,
});

function lstmOf(body: Body): Cell | undefined {
  const { logistics, functions } = body;
  const all = [...logistics, ...functions];
  const sums = affineOf(
    body,
    all.map(({ from }) => from),
  );
  const affine = intoGates(body, sums, logistics.length);
  const gates = (order: Nonlinear[]): Affine => {
    const places = order.map((one) => all.indexOf(one));
    const of = (v: Float64Array) => join(Float64Array, places.map((at) => v.subarray((at * v.length) / all.length, ((at + 1) * v.length) / all.length))); // biome-ignore format: one line
    return { w: of(affine.w), u: of(affine.u), b: of(affine.b) };
  };
  for (const candidate of functions)
    for (const [input, forget, output] of orders(logistics) as [Nonlinear, Nonlinear, Nonlinear][]) {
      const cell = verified(body, cellOf('lstm', body, gates([input, forget, candidate, output])));
      if (cell) return cell;
    }
  return undefined;
}

function gruOf(body: Body): Cell | undefined {
  const { units } = body;
  const joined = (a: Float64Array, b: Float64Array) => join(Float64Array, [a, b]);
  for (const [update, reset] of orders(body.logistics) as [Nonlinear, Nonlinear][]) {
    const gates = intoGates(body, affineOf(body, [update.from, reset.from]), 2);
    // a candidate without a function is the next state at an update gate of 0
    const candidate = body.functions[0]?.from ?? (body.next[0] as number);
    const held = (at: number) => new Map([[reset.to, at], ...(body.functions.length === 0 ? [[update.to, 0] as const] : [])]);
    const [off, on] = [affineOf(body, [candidate], held(0)), affineOf(body, [candidate], held(1))];
    const all = { w: joined(gates.w, off.w), u: joined(gates.u, on.u), b: joined(gates.b, off.b) };
    // the constant that the reset gate multiplies in addition to the products
    const apart = on.b.map((b, k) => b - (off.b[k] as number));
    const plain = cellOf('gru', body, all);
    const after = { ...plain, recurrentBias: floats(joined(new Float64Array(2 * units), apart)), resetAfter: true };
    const cell = verified(body, after) ?? verified(body, { ...plain, resetAfter: false });
    if (cell) return cell;
  }
  return undefined;
}

const rnnOf = (body: Body): Cell | undefined =>
  verified(body, cellOf('rnn', body, affineOf(body, [body.functions[0]?.from as number])));

/** Returns the cell that fits the body's numbers of states and functions, or undefined. */
export function cellFrom(body: Body): Cell | undefined {
  const { logistics, functions, next } = body;
  const kind = [next.length, logistics.length, functions.length].join();
  if (kind === '2,3,2') return lstmOf(body);
  if (kind === '1,2,1' || kind === '1,2,0') return gruOf(body);
  return kind === '1,0,1' ? rnnOf(body) : undefined;
}

/**
 * Finds a cell whose states and next states are not paired: tries every order.
 * @param bodyOf builds the body for one order of the states and of the next states
 */
export function cellInSomeOrder(
  count: number,
  bodyOf: (states: number[], next: number[]) => Body,
): { cell: Cell; states: number[]; next: number[] } | undefined {
  const places = orders(Array.from({ length: count }, (_, i) => i));
  for (const states of places)
    for (const next of places) {
      const cell = cellFrom(bodyOf(states, next));
      if (cell) return { cell, states, next };
    }
  return undefined;
}
