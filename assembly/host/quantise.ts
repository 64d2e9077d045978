/**
 * Quantises floats to int8 or int16 in the host, four at a time (host/session/quantise.ts). AssemblyScript,
 * compiled by scripts/generate.ts.
 *
 * In: `count` float32 from address 0; scale, zero point.  Out: the integers, in place from address 0. Returns
 * 1 if a float was not a number, else 0. Formula: q = clamp(round(x / scale) + zeroPoint), halves away from
 * zero. round(v) is trunc(v), plus one away from zero if |v - trunc(v)| >= 1/2. Both are exact in float32.
 * |v| is first clamped to 2^16; 3 * 2^22 is added, which turns the low bits of the float into the integer.
 * Writes 16 bytes past the floats.
 * Source: TensorFlow Lite 8-bit quantisation specification.
 */
const toInteger: f32 = 12_582_912;

export function quantise(count: i32, scale: f32, zeroPoint: i32, int16: i32): i32 {
  v128.store(4 * count, i32x4.splat(0));
  const s = f32x4.splat(scale);
  const z = i32x4.splat(zeroPoint);
  let apart = i32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    const v = f32x4.div(v128.load(4 * i), s);
    apart = v128.or(apart, f32x4.ne(v, v));
    const held = f32x4.pmax(f32x4.pmin(v, f32x4.splat(65536)), f32x4.splat(-65536));
    const whole = f32x4.trunc(held);
    const half = f32x4.ge(f32x4.abs(f32x4.sub(held, whole)), f32x4.splat(0.5));
    const one = v128.or(v128.and(half, f32x4.splat(1)), v128.and(held, i32x4.splat(i32.MIN_VALUE)));
    const number = f32x4.add(f32x4.add(whole, one), f32x4.splat(toInteger));
    const wide = i32x4.add(i32x4.sub(number, f32x4.splat(toInteger)), z);
    const q = i16x8.narrow_i32x4_s(wide, wide);
    if (int16) v128.store64_lane(2 * i, q, 0);
    else v128.store32_lane(i, i8x16.narrow_i16x8_s(q, q), 0);
  }
  return i32(v128.any_true(apart));
}
