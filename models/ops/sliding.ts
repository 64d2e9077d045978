/**
 * Functions that several operators share: loops over the taps of a kernel, shapes, checks of inputs.
 *
 * Defines no operator, so the operator index does not contain it.
 */
import type { RunletError } from '../error.ts';
import type {
  BinaryAttrs,
  Clamp,
  Constant,
  DilatedAttrs,
  GlobalPoolAttrs,
  PoolAttrs,
  Shape,
  SlidingAttrs,
} from '../graph/types.ts';
import { misfit, pointwise, type StreamRule, slidingLength } from './op.ts';

export type SlidingGeometry = SlidingAttrs & Partial<DilatedAttrs>;

/** Returns the output shape of a sliding kernel with `c` output channels. */
export function slidingShape(input: Shape, g: SlidingGeometry, c: number): Shape {
  return {
    t: slidingLength(input.t, g.kernelT, g.strideT, g.dilationT ?? 1, g.padT),
    f: slidingLength(input.f, g.kernelF, g.strideF, g.dilationF ?? 1, g.padF),
    c,
  };
}

/**
 * Calls `tap(offset, kt, kf)` for every tap of output place (t, f) that lies inside the input.
 * `offset` is the element index of channel 0 at the tap. Taps in the padding are skipped.
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

type WindowRule = Extract<StreamRule, { kind: 'window' }>;

/** Whether an output of a kernel without dilation covers only padding. */
export function coversOnlyPadding(input: Shape, g: SlidingAttrs, out: Shape): boolean {
  const lastT = (out.t - 1) * g.strideT - g.padT[0];
  const lastF = (out.f - 1) * g.strideF - g.padF[0];
  return g.padT[0] >= g.kernelT || g.padF[0] >= g.kernelF || lastT >= input.t || lastF >= input.f;
}

/** Returns the streaming rule of a pool. */
export function poolRule(
  { kernelT, kernelF, strideT, strideF, padT, padF }: PoolAttrs,
  padWith: WindowRule['padWith'],
  reduces: NonNullable<WindowRule['reduces']>,
): StreamRule {
  const byElement = kernelF === 1 && strideF === 1 && padT.every((pad) => pad <= 0) && padF.every((pad) => pad === 0);
  return { kind: 'window', kernel: kernelT, stride: strideT, dilation: 1, pad: padT, padWith, ...(byElement && { reduces }) };
}

/** Returns the output shape of a pool over the window, with overF and overC also over rows and channels. */
export const globalShape = ({ f, c }: Shape, { overF, overC }: GlobalPoolAttrs): Shape => ({
  t: 1,
  f: overF ? 1 : f,
  c: overC ? 1 : c,
});

/** Returns a pool whose kernel covers all frames of the window, with overF also all feature rows. */
export const windowPool = ({ t, f }: Shape, overF: boolean, clamp: Clamp): PoolAttrs => ({
  kernelT: t,
  kernelF: overF ? f : 1,
  strideT: 1,
  strideF: 1,
  padT: [0, 0],
  padF: [0, 0],
  clamp,
});

const sameShape = (a: Shape, b: Shape): boolean => a.t === b.t && a.f === b.f && a.c === b.c;
export const showShape = (s: Shape): string => `[${s.t}][${s.f}][${s.c}]`;

/** Returns the only input of a one-input operator. @throws RunletError RN301 if it does not have one */
export function only<T>(items: T[], name: string): T {
  const [item] = items;
  if (item === undefined || items.length !== 1) {
    throw misfit(name, `expected one input, found ${items.length}`);
  }
  return item;
}

/**
 * Returns the input shape of an operator whose second operand is a constant of `length` values. The constant
 * repeats along each frame, or has the length of the window. @throws RunletError RN301 if it does not fit
 */
export function withConstant(inputs: Shape[], length: number, name: string): Shape {
  const x = only(inputs, name);
  const frame = x.f * x.c;
  if (length < 1 || (frame % length !== 0 && length !== x.t * frame)) {
    throw misfit(name, `a constant of ${length} values fits neither a frame of ${x.f} x ${x.c} nor ${x.t} of them`);
  }
  return x;
}

/** Streaming rule: point-wise; by windows if the constant differs from row to row. */
export const streamWith = ({ constant }: BinaryAttrs, [x]: Shape[]): StreamRule =>
  constant && x && constant.data.length > x.f * x.c ? { kind: 'whole' } : pointwise;

/** Returns the real values of a constant. */
export const realOf = ({ data, quant }: Constant): Float32Array =>
  quant ? Float32Array.from(data, (q) => quant.scale * (q - quant.zeroPoint)) : data;

/** RN301: the number of weights does not fit the operator. */
export const wrongWeights = (name: string, found: number, expected: string): RunletError =>
  misfit(name, `weights of ${found} elements do not fit`, `${expected} are expected`);

/** Visits every output place (t, f). `at` is the element index of its channel 0. */
export function eachPlace(out: Shape, visit: (t: number, f: number, at: number) => void): void {
  for (let t = 0; t < out.t; t++) for (let f = 0; f < out.f; f++) visit(t, f, (t * out.f + f) * out.c);
}

/** Returns the common shape of both inputs. @throws RunletError RN301 if there are not two of one shape */
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
