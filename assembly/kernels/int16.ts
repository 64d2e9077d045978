/**
 * int16: shared by the kernels of int16 activations. Helpers only, no operator.
 *
 * The name of a kernel has the types that it reads and writes: conv_s16 both int16, conv_s16_s8 from int16 to
 * int8. Exact: quant/ops/int16.ts is its twin. `multiplier` i32 [o] of 16 bits, `shift` s8 [o], the whole
 * right shift, 1 to 46. From ONCE_FROM on, `multiplier` has the upper 27 of 53 bits, and `low` the others.
 * Source: TensorFlow Lite 16x8, MultiplyByQuantizedMultiplier of int64.
 */
import { ONCE_FROM } from "./fixed-point";
import { PlainBlock } from "./mac";
import { ONCE } from "./needs";

/** Bits of the lower words at `low`. */
const LOW_BITS = 26;

/** Number of products of int8 and int16 that always fit int32. */
const RUN: i32 = 256;

/** Returns sum w[i] * (x[i] - zero). int16 has zero point 0. */
// @ts-ignore: decorator
@inline
export function dot_int16<TX>(
  x: usize, // TX [n]
  w: usize, // s8 [n]
  n: i32,
  zero: i32,
): i64 {
  const z = sizeof<TX>() == 2 ? 0 : zero;
  let sum: i64 = 0;
  do {
    let left = min(n, RUN);
    n -= left;
    let part = 0;
    if (ASC_FEATURE_SIMD && sizeof<TX>() == 2) {
      let eight = i32x4.splat(0);
      for (; left >= 8; left -= 8) {
        eight = i32x4.add(eight, i32x4.dot_i16x8_s(v128.load(x), v128.load_ext<i8>(w)));
        x += 16;
        w += 8;
      }
      eight = i32x4.add(eight, v128.shuffle<i32>(eight, eight, 2, 3, 0, 1));
      part = i32x4.extract_lane(eight, 0) + i32x4.extract_lane(eight, 1);
    }
    for (; left > 0; left--) {
      part += <i32>load<i8>(w++) * (<i32>load<TX>(x) - z);
      x += sizeof<TX>();
    }
    sum += part;
  } while (n > 0);
  return sum;
}

/** Finishes output channel `o` of a layer: adds the bias, scales to the output, clamps and stores at `y`. */
export function finish_int16<TY>(
  p: PlainBlock,
  y: usize, // TY
  o: i32,
  acc: i64,
): void {
  const m = <i64>load<i32>(p.multiplier + (o << 2));
  const s = <i64>load<i8>(p.shift + o);
  const sum = acc + <i64>load<i32>(p.bias + (o << 2));
  let v: i64;
  if (ONCE && s >= ONCE_FROM) {
    const low = sum * <i64>load<i32>(p.low + (o << 2));
    v = (sum * m + (low >> LOW_BITS) + ((<i64>1) << (s - (ONCE_FROM + 1)))) >> (s - ONCE_FROM);
  } else v = (sum * m + ((<i64>1) << (s - 1))) >> s;
  v += <i64>p.y_zero;
  store<TY>(y, <TY>min(<i64>p.max, max(<i64>p.min, v)));
}
