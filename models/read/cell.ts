/**
 * Which cell a loop's body is: found by evaluating it, whatever operators it is written in.
 *
 * In: a body as a function of a row and the states, with the tensors that are logistic or tanh.  Out: a Cell.
 * What goes into a gate's function is affine in the row and the output before it; its weights are what unit
 * vectors change.  Of a gru the reset gate is held at 0 and at 1.  A cell is taken only where its own formula
 * gives the body's states for random rows and states. Cost: an evaluation an input and a unit.
 */
import type { Cell } from './recurrent.ts';

/** Values of a tensor of the body. */
export type Values = (tensor: number) => Float64Array;

export interface Body {
  inputs: number;
  units: number;
  /** Tensors whose function is logistic or tanh, of `units` values: what goes in, what comes out. */
  logistics: Nonlinear[];
  tanhs: Nonlinear[];
  /** The next states' tensors, in the order of the states; the first is the output. */
  next: number[];
  /** `held`: tensors with one value everywhere, whatever goes in. */
  evaluate(x: Float64Array, states: Float64Array[], held?: ReadonlyMap<number, number>): Values;
}

interface Nonlinear {
  from: number;
  to: number;
}

/** Gates side by side: W [gate * units + unit][inputs], U [...][units], b [...]. */
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

/** Of what goes into `tensors`, in the row and the first state. */
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

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Sums of an affine form. */
function sums({ w, u, b }: Affine, x: Float64Array, h: Float64Array): Float64Array {
  return b.map((bias, o) => {
    let s = bias;
    for (let i = 0; i < x.length; i++) s += (w[o * x.length + i] as number) * (x[i] as number);
    for (let i = 0; i < h.length; i++) s += (u[o * h.length + i] as number) * (h[i] as number);
    return s;
  });
}

type Step = (x: Float64Array, states: Float64Array[]) => Float64Array[];

/** Whether a formula gives the body's next states: five draws of a fixed sequence. */
function holds(body: Body, step: Step): boolean {
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
    if (!wanted.every((v, i) => v.every((a, k) => near(a, got[i]?.[k] as number)))) return false;
  }
  return true;
}

function orders<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first, i) => orders(items.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}

const floats = (v: Float64Array): Float32Array => Float32Array.from(v);
const plain = { recurrentBias: null, reverse: false };
const cellOf = (op: Cell['op'], units: number, { w, u, b }: Affine): Cell => ({
  ...plain,
  op,
  units,
  input: { data: floats(w) },
  bias: floats(b),
  recurrent: { data: floats(u) },
});

function lstmOf(body: Body): Cell | undefined {
  const { units } = body;
  for (const candidate of body.tanhs)
    for (const [input, forget, output] of orders(body.logistics) as [Nonlinear, Nonlinear, Nonlinear][]) {
      const affine = affineOf(body, [input.from, forget.from, candidate.from, output.from]);
      const step: Step = (x, [h, c]) => {
        const g = sums(affine, x, h as Float64Array);
        const at = (gate: number, k: number) => g[gate * units + k] as number;
        const cell = (c as Float64Array).map((v, k) => sigmoid(at(1, k)) * v + sigmoid(at(0, k)) * Math.tanh(at(2, k)));
        return [cell.map((v, k) => sigmoid(at(3, k)) * Math.tanh(v)), cell];
      };
      if (holds(body, step)) return cellOf('lstm', units, affine);
    }
  return undefined;
}

function gruOf(body: Body): Cell | undefined {
  const { units } = body;
  const [candidate] = body.tanhs as [Nonlinear];
  for (const [update, reset] of orders(body.logistics) as [Nonlinear, Nonlinear][]) {
    const gates = affineOf(body, [update.from, reset.from]);
    const off = affineOf(body, [candidate.from], new Map([[reset.to, 0]]));
    const on = affineOf(body, [candidate.from], new Map([[reset.to, 1]]));
    const apart = on.b.map((b, k) => b - (off.b[k] as number));
    for (const resetAfter of [true, false]) {
      const step: Step = (x, [state]) => {
        const h = state as Float64Array;
        const g = sums(gates, x, h);
        const r = h.map((_, k) => sigmoid(g[units + k] as number));
        const inner = { w: new Float64Array(0), u: on.u, b: resetAfter ? apart : new Float64Array(units) };
        const s = sums(inner, new Float64Array(0), resetAfter ? h : h.map((v, k) => v * (r[k] as number)));
        const of = sums({ ...off, u: new Float64Array(0) }, x, new Float64Array(0));
        const n = of.map((v, k) => Math.tanh(v + (resetAfter ? (r[k] as number) : 1) * (s[k] as number)));
        return [h.map((v, k) => sigmoid(g[k] as number) * (v - (n[k] as number)) + (n[k] as number))];
      };
      if (!holds(body, step)) continue;
      const join = (a: Float64Array, b: Float64Array) => Float64Array.from([...a, ...b]);
      const all = { w: join(gates.w, off.w), u: join(gates.u, on.u), b: join(gates.b, off.b) };
      const recurrentBias = resetAfter ? floats(join(new Float64Array(2 * units), apart)) : null;
      return { ...cellOf('gru', units, all), recurrentBias, resetAfter };
    }
  }
  return undefined;
}

function rnnOf(body: Body): Cell | undefined {
  const affine = affineOf(body, [body.tanhs[0]?.from as number]);
  const step: Step = (x, [h]) => [sums(affine, x, h as Float64Array).map(Math.tanh)];
  return holds(body, step) ? cellOf('rnn', body.units, affine) : undefined;
}

/** Of a body with so many states, logistic functions and tanh; undefined where it is none of these cells. */
export function cellFrom(body: Body): Cell | undefined {
  const { logistics, tanhs, next } = body;
  const kind = [next.length, logistics.length, tanhs.length].join();
  if (kind === '2,3,2') return lstmOf(body);
  if (kind === '1,2,1') return gruOf(body);
  return kind === '1,0,1' ? rnnOf(body) : undefined;
}
