/**
 * What the SIMD128 kernels share: int16 taps, sums of whole places, eight requantisations at a time.
 *
 * Tables of a layer have a value an output, filled up to whole tiles: BIAS 2 * bias, MULTIPLIER as it is, SHIFT 2^(LIFT - s), s = -1 - shift;
 * |sum + bias| < 2^30, outputs below 2^(30 - LIFT) before they are clamped, s in 0..LIFT. WIDE_SHIFTS: SHIFT 2^(32 - s), s in 2..30, any outputs. Y_ZERO is 2 * zero point + 1.  Exact: fixed-point.ts in 64-bit lanes, with the steps of finish.ts.
 */
import { BIAS, LIFT, MAX, MIN, MULTIPLIER, SHIFT, WIDE_SHIFTS, X_ZERO, Y_C, Y_ZERO } from "./block";
import { WIDE } from "./needs";

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

/** Four sums to outputs that are not clamped yet: the steps of finish.ts, in lanes that have no shifts of their own. */
// @ts-ignore: decorator
@inline
function finish_four(sum: v128, bias: v128, multiplier: v128, scale: v128, round: v128, wide: bool): v128 {
  const x = i32x4.add(i32x4.shl(sum, 1), bias);
  const half = i64x2.splat(0x80000000);
  let v = upper(
    i64x2.add(i64x2.extmul_low_i32x4_s(x, multiplier), half),
    i64x2.add(i64x2.extmul_high_i32x4_s(x, multiplier), half),
  );
  v = i32x4.add(v, i32x4.shr_s(v, 31));
  // by s to the right: by LIFT - s to the left, then by LIFT to the right, and the last halving with it
  if (!wide) return i32x4.shr_s(i32x4.add(i32x4.mul(v, scale), i32x4.shl(round, LIFT)), LIFT + 1);
  v = upper(i64x2.extmul_low_i32x4_s(v, scale), i64x2.extmul_high_i32x4_s(v, scale));
  return i32x4.shr_s(i32x4.add(v, round), 1);
}

/** Four sums more of two products each. */
// @ts-ignore: decorator
@inline
export function mac(sum: v128, x: v128, w: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, w));
}

/** Bytes of the sums of a place: i32 [Y_C], and what a tile of sixteen writes past it. */
// @ts-ignore: decorator
@inline
export function sums_bytes(y_c: i32): i32 {
  return (y_c + 16) << 2;
}

/** The sums of eight outputs. */
// @ts-ignore: decorator
@inline
export function keep(sums: usize, a0: v128, a1: v128): void {
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
}

/** All outputs of a place from its sums. */
export function finish_place(
  p: usize,
  y: usize, // s8 [y_c]
  sums: usize,
): void {
  let bias = <usize>load<i32>(p, BIAS);
  let multiplier = <usize>load<i32>(p, MULTIPLIER);
  let scale = <usize>load<i32>(p, SHIFT);
  const wide = WIDE ? load<i32>(p, WIDE_SHIFTS) != 0 : false;
  const round = v128.load_splat<i32>(p, Y_ZERO);
  const low = v128.load_splat<i16>(p, MIN);
  const high = v128.load_splat<i16>(p, MAX);
  for (let left = load<i32>(p, Y_C); left > 0; left -= 8) {
    const a0 = finish_four(v128.load(sums), v128.load(bias), v128.load(multiplier), v128.load(scale), round, wide);
    const a1 = finish_four(
      v128.load(sums, 16),
      v128.load(bias, 16),
      v128.load(multiplier, 16),
      v128.load(scale, 16),
      round,
      wide,
    );
    const words = i16x8.min_s(high, i16x8.max_s(low, i16x8.narrow_i32x4_s(a0, a1)));
    const bytes = i8x16.narrow_i16x8_s(words, words);
    if (left >= 8) v128.store64_lane(y, bytes, 0);
    else {
      let rest = i64x2.extract_lane(bytes, 0);
      for (let i: i32 = 0; i < left; i++) {
        store<i8>(y + i, rest);
        rest >>= 8;
      }
    }
    sums += 32;
    bias += 32;
    multiplier += 32;
    scale += 32;
    y += 8;
  }
}

/** The zero point of the input in eight lanes. */
// @ts-ignore: decorator
@inline
export function zeros(p: usize): v128 {
  return i16x8.splat(<i16>load<i32>(p, X_ZERO));
}
