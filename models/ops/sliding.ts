/**
 * The loop that the sliding operators share: which input places does an output place read?
 *
 * Out of scope of the operator index: this file holds no operator.
 */
import type { RunletError } from '../error.ts';
import type { BinaryAttrs, Clamp, Constant, DilatedAttrs, PoolAttrs, Shape, SlidingAttrs } from '../graph/types.ts';
import { misfit, pointwise, type StreamRule, slidingLength } from './op.ts';

export type SlidingGeometry = SlidingAttrs & Partial<DilatedAttrs>;

/** Output frames and feature rows of a sliding kernel. */
export function slidingShape(input: Shape, g: SlidingGeometry, c: number): Shape {
  return {
    t: slidingLength(input.t, g.kernelT, g.strideT, g.dilationT ?? 1, g.padT),
    f: slidingLength(input.f, g.kernelF, g.strideF, g.dilationF ?? 1, g.padF),
    c,
  };
}

/**
 * Calls `tap(offset, kt, kf)` for every tap of output place (t, f) that lies inside the input;
 * `offset` is the element index of that place's channel 0. Padded taps are skipped: they hold zero.
 */
export function forEachTap(
  input: Shape,
  g: SlidingGeometry,
  t: number,
  f: number,
  tap: (offset: number, kt: number, kf: number) => void,
): void {
  for (let kt = 0; kt < g.kernelT; kt++) {
    const it = t * g.strideT - g.padT[0] + kt * (g.dilationT ?? 1);
    if (it < 0 || it >= input.t) continue;
    for (let kf = 0; kf < g.kernelF; kf++) {
      const jf = f * g.strideF - g.padF[0] + kf * (g.dilationF ?? 1);
      if (jf < 0 || jf >= input.f) continue;
      tap((it * input.f + jf) * input.c, kt, kf);
    }
  }
}

/** A pool whose kernel is a whole window, and all its feature rows with overF. */
export const windowPool = ({ t, f }: Shape, overF: boolean, clamp: Clamp): PoolAttrs => ({
  kernelT: t,
  kernelF: overF ? f : 1,
  strideT: 1,
  strideF: 1,
  padT: [0, 0],
  padF: [0, 0],
  clamp,
});

export const sameShape = (a: Shape, b: Shape): boolean => a.t === b.t && a.f === b.f && a.c === b.c;
export const showShape = (s: Shape): string => `[${s.t}][${s.f}][${s.c}]`;

/** The only input of a one-input operator. */
export function only<T>(items: T[], name: string): T {
  const [item] = items;
  if (item === undefined || items.length !== 1) {
    throw misfit(name, `expected one input, found ${items.length}`);
  }
  return item;
}

/**
 * The input of an operator whose second operand is a constant of `length` values, repeated along each frame
 * or as long as the window.
 */
export function withConstant(inputs: Shape[], length: number, name: string): Shape {
  const x = only(inputs, name);
  const frame = x.f * x.c;
  if (length < 1 || (frame % length !== 0 && length !== x.t * frame)) {
    throw misfit(name, `a constant of ${length} values fits neither a frame of ${x.f} x ${x.c} nor ${x.t} of them`);
  }
  return x;
}

/** Point-wise, but for a constant that differs from row to row: it belongs to the window. */
export const streamWith = ({ constant }: BinaryAttrs, [x]: Shape[]): StreamRule =>
  constant && x && constant.data.length > x.f * x.c ? { kind: 'whole' } : pointwise;

/** The real values of a constant. */
export const realOf = ({ data, quant }: Constant): Float32Array =>
  quant ? Float32Array.from(data, (q) => quant.scale * (q - quant.zeroPoint)) : data;

/** RN301 for weights of another length than the operator takes. */
export const wrongWeights = (name: string, found: number, expected: string): RunletError =>
  misfit(name, `weights of ${found} elements do not fit`, `${expected} are expected`);

/** Visits every output place (t, f); `at` is the element of its channel 0. */
export function eachPlace(out: Shape, visit: (t: number, f: number, at: number) => void): void {
  for (let t = 0; t < out.t; t++) for (let f = 0; f < out.f; f++) visit(t, f, (t * out.f + f) * out.c);
}

/** Both inputs of a two-input operator, of one shape. */
export function pair(inputs: Shape[], name: string): Shape {
  const [a, b] = inputs;
  if (!a || !b || inputs.length !== 2 || !sameShape(a, b)) {
    throw misfit(
      name,
      'the two inputs differ in shape',
      inputs.map(showShape).join(' and '),
      'broadcast only constants; make both branches the same length',
    );
  }
  return a;
}
