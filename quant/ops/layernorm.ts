/**
 * layernorm in int8 and int16: exact sums, one reciprocal square root per row, one rounding per output.
 *
 * In: [t][f][c] int8 or int16.  Out: the same shape, either type. Rule, with v = q - zero point and n values
 * in a row (docs/quantisation.md):
 *     d = n v - sum v (without `centre`: n v);  squares = n sum v^2 - (sum v)^2;  both are exact
 *     e = max(squares, 1) 2^k + round(n^2 epsilon / scale^2 2^k), below 2^62
 *     r = 2^30 / sqrt(e 2^z / 2^64), with z the largest even shift (reciprocalRoot)
 *     t = d r, rounded, with `fraction` fraction bits: the normalised value d / sqrt(squares + n^2 epsilon /
 *       scale^2)
 *     y = floor((t gain + offset 2^offsetShift) / 2^outShift); the offset includes the half for rounding
 * Exact: equal to assembly/kernels/layernorm.ts and layernorm-s16.ts.
 * Error against the real value: half a step, the rounding of t, and 2^-26 of the value.
 */
import { RunletError } from '../../models/error.ts';
import type { Ints, QuantParams } from '../../models/graph/types.ts';
import { normalisedCount } from '../../models/ops/layernorm.ts';
import { only } from '../../models/ops/sliding.ts';
import { clampInt } from '../fixed-point.ts';
import { reciprocalRoot } from '../transcendental.ts';
import { makeInts, typeOf, typesOf } from './int16.ts';
import { type IntOp, type LayerNormParams, quantOf, rangeOf } from './op.ts';

/** Largest number of values in a row: then d fits int32, and squares fit 62 bits. */
const maxValues = { int8: 1 << 16, int16: 1 << 13 } as const;
/** Largest difference of two values. */
const spanOf = { int8: 255, int16: 65535 } as const;

/** Smallest integer b >= 0 with |x| <= 2^b. */
const bitsOf = (x: number): number => Math.max(0, Math.ceil(Math.log2(Math.max(x, 1))));

/**
 * Returns epsilon as an integer of 62 bits.
 * `squareShift`: extra bits of epsilon and of the squares (k above).
 * `fraction`: fraction bits with which the normalised value fits int32. It is at most sqrt(count), and at
 * most the largest difference over the root of epsilon.
 * `ratio`: a factor for gamma. It is below 1 if epsilon needs more than 61 bits; the variance then has no
 * effect.
 */
function epsilonOf(count: number, epsilon: number, x: QuantParams) {
  const span = spanOf[typeOf(x)];
  const squares = count ** 2 * span ** 2;
  const wanted = (count / x.scale) ** 2 * epsilon;
  const real = Math.min(wanted, 2 ** 61);
  const room = Math.floor(Math.log2(2 ** 62 / (squares + real)) - 1e-9);
  const squareShift = Math.max(0, Math.min(30, room - (room & 1)));
  const longest = Math.min(Math.sqrt(count), (span * count) / Math.sqrt(real));
  return {
    squareShift,
    fraction: 30 - Math.ceil(Math.log2(longest)),
    epsilon: BigInt(Math.round(real * 2 ** squareShift)),
    ratio: wanted > real ? Math.sqrt(real / wanted) : 1,
  };
}

/** Returns gamma and beta as integers with shifts. @param fraction fraction bits of the normalised value */
function affineOf(gamma: Float64Array, beta: Float64Array, fraction: number) {
  const steep = gamma.reduce((max, g) => Math.max(max, Math.abs(g)), 0);
  const far = beta.reduce((max, b) => Math.max(max, Math.abs(b)), 0);
  // t gain and the offset stay below 2^61
  const shift = Math.max(1, Math.min(fraction + Math.min(30 - bitsOf(steep), 30), 60 - bitsOf(far)));
  const offsetBits = Math.min(20, 30 - bitsOf(far), shift);
  const at = 2 ** (shift - fraction);
  return {
    gain: Int32Array.from(gamma, (g) => clampInt(Math.round(g * at), -(2 ** 31) + 1, 2 ** 31 - 1)),
    offset: Int32Array.from(beta, (b) => clampInt(Math.round(b * 2 ** offsetBits), -(2 ** 31), 2 ** 31 - 1)),
    offsetShift: shift - offsetBits,
    outShift: shift,
  };
}

export const layernorm: IntOp<'layernorm'> = {
  name: 'layernorm',
  int16: () => 'any',
  prepare({ attrs, name }, [x], y) {
    const [xq, yq] = [quantOf(x, name), quantOf(y, name)];
    const count = normalisedCount(attrs, y.shape);
    const limit = maxValues[typeOf(xq)];
    if (count > limit) {
      throw new RunletError('RN403', {
        what: `layernorm over ${count} values`,
        where: name,
        why: `its sums have room for ${limit} values of ${typeOf(xq)}`,
        tryThis: 'normalise fewer features at a time',
      });
    }
    const { squareShift, fraction, epsilon, ratio } = epsilonOf(count, attrs.epsilon, xq);
    const each = (values: Float32Array, of: (v: number) => number) =>
      Float64Array.from({ length: count }, (_, i) => of(values[i % values.length] as number));
    const gamma = each(attrs.gamma, (g) => (g * ratio) / yq.scale);
    const beta = each(attrs.beta, (b) => b / yq.scale + yq.zeroPoint + 0.5);
    return {
      ...rangeOf(attrs.clamp, yq),
      ...affineOf(gamma, beta, fraction),
      ...typesOf(xq, yq),
      count,
      centre: attrs.centre,
      xZero: xq.zeroPoint,
      squareShift,
      epsilon,
      rootShift: 62 - squareShift / 2 - fraction,
    };
  },
  run(p, xs) {
    const { data } = only(xs, 'layernorm');
    const y = makeInts(p.types?.y, data.length);
    for (let from = 0; from < data.length; from += p.count) row(p, data.subarray(from, from + p.count), y.subarray(from));
    return y;
  },
};

/** Normalises one row. */
function row(p: LayerNormParams, q: ArrayLike<number>, y: Ints): void {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < p.count; i++) {
    const v = (q[i] as number) - p.xZero;
    sum += v;
    squares += v * v;
  }
  const mean = p.centre ? sum : 0;
  const apart = BigInt(p.count) * BigInt(squares) - BigInt(mean) ** 2n;
  const { root, halfShift } = reciprocalRoot(((apart || 1n) << BigInt(p.squareShift)) + p.epsilon);
  const right = BigInt(p.rootShift - halfShift);
  const [half, shift, offsetShift] = [1n << (right - 1n), BigInt(p.outShift), BigInt(p.offsetShift)];
  for (let i = 0; i < p.count; i++) {
    const d = p.count * ((q[i] as number) - p.xZero) - mean;
    const t = (BigInt(d) * root + half) >> right;
    const value = t * BigInt(p.gain[i] as number) + (BigInt(p.offset[i] as number) << offsetShift);
    y[i] = clampInt(Number(value >> shift), p.min, p.max);
  }
}
