/**
 * What the SIMD128 kernels share: int16 taps, tiles of eight outputs, four requantisations at a time.
 *
 * Tables of a layer have a value an output, filled up to whole tiles: BIAS 2 * bias, MULTIPLIER as it is, SHIFT 2^(LIFT - s), s = -1 - shift;
 * |sum + bias| < 2^30, outputs below 2^(30 - LIFT) before they are clamped, s in 0..LIFT. WIDE_SHIFTS: SHIFT 2^(32 - s), s in 2..30, any outputs. Y_ZERO is 2 * zero point + 1.  Exact: fixed-point.ts in 64-bit lanes, with the steps of finish.ts.
 */
import { BIAS, MAX, MIN, MULTIPLIER, PATCH, SHIFT, LIFT, SUMS_BYTES, WIDE_SHIFTS, X_ZERO, Y_ZERO } from "./block";
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

/** Where the sums of a place wait for finish_places: i32 [4][8]. */
// @ts-ignore: decorator
@inline
export function sums_at(p: usize): usize {
  return load<i32>(p, PATCH) - SUMS_BYTES;
}

/** The sums of eight outputs of place i. */
// @ts-ignore: decorator
@inline
export function keep(sums: usize, i: i32, a0: v128, a1: v128): void {
  v128.store(sums + (i << 5), a0);
  v128.store(sums + (i << 5), a1, 16);
}

/** Outputs o to o + 7, as many as lie before `end`, of places whose sums are kept. */
export function finish_places(
  p: usize,
  y: usize, // s8, places y_pitch bytes apart
  y_pitch: i32,
  places: i32,
  o: i32,
  end: i32,
): void {
  const at = <usize>(o << 2);
  const bias = <usize>load<i32>(p, BIAS) + at;
  const multiplier = <usize>load<i32>(p, MULTIPLIER) + at;
  const scale = <usize>load<i32>(p, SHIFT) + at;
  const wide = WIDE ? load<i32>(p, WIDE_SHIFTS) != 0 : false;
  const bias0 = v128.load(bias);
  const bias1 = v128.load(bias, 16);
  const multiplier0 = v128.load(multiplier);
  const multiplier1 = v128.load(multiplier, 16);
  const scale0 = v128.load(scale);
  const scale1 = v128.load(scale, 16);
  const round = v128.load_splat<i32>(p, Y_ZERO);
  const low = v128.load_splat<i16>(p, MIN);
  const high = v128.load_splat<i16>(p, MAX);
  let sums = sums_at(p);
  y += o;
  for (; places > 0; places--) {
    const a0 = finish_four(v128.load(sums), bias0, multiplier0, scale0, round, wide);
    const a1 = finish_four(v128.load(sums, 16), bias1, multiplier1, scale1, round, wide);
    const words = i16x8.min_s(high, i16x8.max_s(low, i16x8.narrow_i32x4_s(a0, a1)));
    const bytes = i8x16.narrow_i16x8_s(words, words);
    if (o + 8 <= end) v128.store64_lane(y, bytes, 0);
    else {
      let rest = i64x2.extract_lane(bytes, 0);
      for (let i: i32 = 0; i < end - o; i++) {
        store<i8>(y + i, rest);
        rest >>= 8;
      }
    }
    sums += 32;
    y += y_pitch;
  }
}

/** The zero point of the input in eight lanes. */
// @ts-ignore: decorator
@inline
export function zeros(p: usize): v128 {
  return i16x8.splat(<i16>load<i32>(p, X_ZERO));
}
