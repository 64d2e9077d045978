/**
 * What the SIMD128 kernels share: int16 taps, tiles of eight outputs, four requantisations at a time.
 *
 * Tables of a layer (bias, multiplier, left, right) have a value an output, filled up to whole tiles: left = 2^max(shift, 0), right = 2^(30 + min(shift, 0)).
 * Exact: fixed-point.ts in 64-bit lanes.
 */
import { BIAS, LEFT, MAX, MIN, MULTIPLIER, SHIFT, X_ZERO, Y_ZERO } from "./block";

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

/** (a * b + 2^30) >> 31 and what follows it, in four lanes; see requantise of fixed-point.ts. */
// @ts-ignore: decorator
@inline
function requantise_four(x: v128, multiplier: v128, left: v128, right: v128): v128 {
  x = i32x4.mul(x, left);
  const half = i64x2.splat(1 << 30);
  let low = i64x2.shr_u(i64x2.add(i64x2.extmul_low_i32x4_s(x, multiplier), half), 31);
  let high = i64x2.shr_u(i64x2.add(i64x2.extmul_high_i32x4_s(x, multiplier), half), 31);
  x = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
  // x * 2^(30 - e) >> 30, rounded half away from zero: a half, less the smallest step where x is negative
  const sign = i32x4.shr_s(x, 31);
  const rest = i64x2.splat(1 << 29);
  low = i64x2.add(i64x2.extmul_low_i32x4_s(x, right), i64x2.add(rest, i64x2.extend_low_i32x4_s(sign)));
  high = i64x2.add(i64x2.extmul_high_i32x4_s(x, right), i64x2.add(rest, i64x2.extend_high_i32x4_s(sign)));
  return v128.shuffle<i32>(i64x2.shr_u(low, 30), i64x2.shr_u(high, 30), 0, 2, 4, 6);
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
  const left = <usize>load<i32>(p, LEFT) + at;
  const right = <usize>load<i32>(p, SHIFT) + at;
  a0 = requantise_four(i32x4.add(a0, v128.load(bias)), v128.load(multiplier), v128.load(left), v128.load(right));
  a1 = requantise_four(i32x4.add(a1, v128.load(bias, 16)), v128.load(multiplier, 16), v128.load(left, 16), v128.load(right, 16));
  const zero = v128.load_splat<i32>(p, Y_ZERO);
  const low = v128.load_splat<i32>(p, MIN);
  const high = v128.load_splat<i32>(p, MAX);
  a0 = i32x4.min_s(high, i32x4.max_s(low, i32x4.add(a0, zero)));
  a1 = i32x4.min_s(high, i32x4.max_s(low, i32x4.add(a1, zero)));
  const words = i16x8.narrow_i32x4_s(a0, a1);
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
