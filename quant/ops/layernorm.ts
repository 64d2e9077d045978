/**
 * layernorm in int8 and int16: exact sums, one reciprocal square root a row, one rounding an output.
 *
 * In: [t][f][c] int8 or int16.  Out: the same shape, either type. Rule, with v = q - zero point and n values
 * of a row (docs/quantisation.md): d = n v - sum v (n v without `centre`);  squares = n sum v^2 - (sum v)^2;
 * both are exact e = max(squares, 1) 2^k + round(n^2 epsilon / scale^2 2^k), below 2^62, so that d /
 * sqrt(squares + n^2 epsilon / scale^2) is normalised;  r = 2^30 / sqrt(e 2^z / 2^64), z the largest even
 * shift: reciprocalRoot t = d r in Q`fraction`, rounded;  y = floor((t gain + offset 2^offsetShift) /
 * 2^outShift), the half is in the offset
 * Exact: assembly/kernels/layernorm.ts and layernorm-s16.ts.
 * Against the real value: half a step, the rounding of t, and 2^-26 of it.
 */
import { RunletError } from '../../models/error.ts';
import type { Ints, QuantParams } from '../../models/graph/types.ts';
import { normalisedCount } from '../../models/ops/layernorm.ts';
import { only } from '../../models/ops/sliding.ts';
import { clampInt } from '../fixed-point.ts';
import { reciprocalRoot } from '../transcendental.ts';
import { makeInts, typeOf, typesOf } from './int16.ts';
import { type IntOp, type LayerNormParams, quantOf, rangeOf } from './op.ts';

/** Values of a row: differences times their number stay in int32, and sums of their squares in 62 bits. */
const mostValues = { int8: 1 << 16, int16: 1 << 13 } as const;
/** The longest difference of two values. */
const spanOf = { int8: 255, int16: 65535 } as const;

/** Smallest whole number b with |x| <= 2^b. */
const bitsOf = (x: number): number => Math.max(0, Math.ceil(Math.log2(Math.max(x, 1))));

/**
 * epsilon as an integer of 62 bits, `squareShift` bits finer than the squares, and `fraction`: bits behind
 * the point that the normalised value has in int32. It is at most sqrt(count), and the longest difference
 * over the root of epsilon. `ratio`: factor of gamma where epsilon has more than 61 bits, so that no variance
 * matters.
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

/**
 * gamma and beta as integers of one power of two. @param fraction bits of the normalised value behind the
 * point
 */
function affineOf(gamma: Float64Array, beta: Float64Array, fraction: number) {
  const steep = gamma.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  const far = beta.reduce((most, b) => Math.max(most, Math.abs(b)), 0);
  // t gain stays below 2^61, and so does the offset
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
    const most = mostValues[typeOf(xq)];
    if (count > most) {
      throw new RunletError('RN403', {
        what: `layernorm over ${count} values`,
        where: name,
        why: `its sums have room for ${most} values of ${typeOf(xq)}`,
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

/** One mean and variance. */
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
