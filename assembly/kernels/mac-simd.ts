/**
 * What the SIMD128 kernels share: int16 taps, tiles of eight outputs, four requantisations at a time.
 *
 * Tables of a layer have a value an output, filled up to whole tiles: BIAS 2 * bias, MULTIPLIER as it is, SHIFT 2^(32 + shift), every shift in -31..-2;
 * |sum + bias| < 2^30; Y_ZERO is 2 * zero point + 1.  Exact: fixed-point.ts in 64-bit lanes, with the steps of finish.ts.
 */
import { BIAS, MAX, MIN, MULTIPLIER, SHIFT, X_ZERO, Y_ZERO } from "./block";

/** Values less the zero point as int16; writes whole eights. */
// @ts-ignore: decorator
@inline
export function widen_s8(
  to: usize, // s16 [n], rounded up to eights
  from: usize, // s8 [n], rounded up to eights
  n: i32,
  zero: v128, // s16 [8]
): void {
  for (let i: i32 = 0; i < n; i += 8) {
    v128.store(to, i16x8.sub(v128.load_ext<i8>(from), zero));
    to += 16;
    from += 8;
  }
}

/** The upper words of two times two products. */
// @ts-ignore: decorator
@inline
function upper(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}

/** Four sums to outputs that are not clamped yet; the steps of finish.ts, where a product with 2^(31 - s) stands for the shift by s. */
// @ts-ignore: decorator
@inline
function finish_four(sum: v128, bias: usize, multiplier: usize, right: usize, round: v128): v128 {
  const x = i32x4.add(i32x4.shl(sum, 1), v128.load(bias));
  const m = v128.load(multiplier);
  const half = i64x2.splat(0x80000000);
  let v = upper(i64x2.add(i64x2.extmul_low_i32x4_s(x, m), half), i64x2.add(i64x2.extmul_high_i32x4_s(x, m), half));
  v = i32x4.shl(i32x4.add(v, i32x4.shr_s(v, 31)), 1);
  const r = v128.load(right);
  v = upper(i64x2.extmul_low_i32x4_s(v, r), i64x2.extmul_high_i32x4_s(v, r));
  return i32x4.shr_s(i32x4.add(v, round), 1);
}

/** Outputs o to o + 7 of a place, as many as lie before `end`. */
export function finish_eight(
  p: usize,
  y: usize, // s8 [y_c]
  o: i32,
  end: i32,
  a0: v128,
  a1: v128,
): void {
  const at = <usize>(o << 2);
  const bias = <usize>load<i32>(p, BIAS) + at;
  const multiplier = <usize>load<i32>(p, MULTIPLIER) + at;
  const right = <usize>load<i32>(p, SHIFT) + at;
  const round = v128.load_splat<i32>(p, Y_ZERO);
  a0 = finish_four(a0, bias, multiplier, right, round);
  a1 = finish_four(a1, bias + 16, multiplier + 16, right + 16, round);
  const low = v128.load_splat<i16>(p, MIN);
  const high = v128.load_splat<i16>(p, MAX);
  const words = i16x8.min_s(high, i16x8.max_s(low, i16x8.narrow_i32x4_s(a0, a1)));
  const bytes = i8x16.narrow_i16x8_s(words, words);
  if (o + 8 <= end) v128.store64_lane(y + o, bytes, 0);
  else {
    let rest = i64x2.extract_lane(bytes, 0);
    for (; o < end; o++) {
      store<i8>(y + o, rest);
      rest >>= 8;
    }
  }
}

/** The zero point of the input in eight lanes. */
// @ts-ignore: decorator
@inline
export function zeros(p: usize): v128 {
  return i16x8.splat(<i16>load<i32>(p, X_ZERO));
}
