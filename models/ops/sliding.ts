/**
 * The loop that the sliding operators share: which input places does an output place read?
 *
 * Out of scope of the operator index: this file holds no operator.
 */
import { RunletError } from '../error.ts';
import type { Shape } from '../graph/types.ts';
import { slidingLength } from './op.ts';

export interface SlidingGeometry {
  kernelT: number;
  kernelF: number;
  strideT: number;
  strideF: number;
  dilationT?: number;
  dilationF?: number;
  padT: readonly [number, number];
  padF: readonly [number, number];
}

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

export const sameShape = (a: Shape, b: Shape): boolean => a.t === b.t && a.f === b.f && a.c === b.c;
export const showShape = (s: Shape): string => `[${s.t}][${s.f}][${s.c}]`;

/** The only input of a one-input operator. */
export function only<T>(items: T[], name: string): T {
  const [item] = items;
  if (item === undefined || items.length !== 1) {
    throw new RunletError('RN301', { what: `expected one input, found ${items.length}`, where: name });
  }
  return item;
}

/** The input of an operator whose second operand is a constant of `length` values, repeated along each frame. */
export function withConstant(inputs: Shape[], length: number, name: string): Shape {
  const x = only(inputs, name);
  if (length < 1 || (x.f * x.c) % length !== 0) {
    throw new RunletError('RN301', {
      what: `a constant of ${length} values does not repeat along a frame of ${x.f} x ${x.c}`,
      where: name,
    });
  }
  return x;
}

export const dequantised = (constant: { data: Int8Array; quant: { scale: number; zeroPoint: number } }): Float32Array =>
  Float32Array.from(constant.data, (q) => constant.quant.scale * (q - constant.quant.zeroPoint));

/** Both inputs of a two-input operator, of one shape. */
export function pair(inputs: Shape[], name: string): Shape {
  const [a, b] = inputs;
  if (!a || !b || inputs.length !== 2 || !sameShape(a, b)) {
    throw new RunletError('RN301', {
      what: 'the two inputs differ in shape',
      where: name,
      why: inputs.map(showShape).join(' and '),
      tryThis: 'broadcast only constants; make both branches the same length',
    });
  }
  return a;
}
