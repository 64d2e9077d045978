/**
 * Integer functions of the audio front end, in unsigned 32 bits unless stated otherwise.
 *
 * Source: TensorFlow's micro front end, filterbank.c, pcan_gain_control.c, log_scale.c.  Exact:
 * quant/frontend/integers.ts.
 */

/** Returns the square root, rounded. Below 2^32 a root of 65535 is not rounded up. */
export function root_u64(x: u64): u32 {
  if (x == 0) return 0;
  const small = x >> 32 == 0;
  let rest = x;
  let root: u64 = 0;
  let bit: u64 = (<u64>1) << ((63 - clz<u64>(x)) & 62);
  while (bit) {
    if (rest >= root + bit) {
      rest -= root + bit;
      root = (root >> 1) + bit;
    } else root >>= 1;
    bit >>= 2;
  }
  if (rest > root && root != (small ? 0xffff : 0xffffffff)) root++;
  return <u32>root;
}

/** Returns the gain at x, s16, from a parabola for each power of two. */
export function wide_function(
  x: u32,
  table: usize, // s16 [125]
): i32 {
  if (x <= 2) return load<i16>(table + (x << 1));
  const interval: u32 = 32 - clz<u32>(x);
  table += (4 * interval - 6) << 1;
  const fraction: i32 = (interval < 11 ? x << (11 - interval) : x >> (interval - 11)) & 0x3ff;
  let curve = (load<i16>(table, 4) * fraction) >> 5;
  curve += (<i32>load<i16>(table, 2)) << 5;
  return <i32>(<i16>(((curve * fraction + (1 << 14)) >> 15) + load<i16>(table)));
}

/** Returns x^2 / 4 below 2, x - 1 from there; 12 fraction bits in, 6 out. */
export function shrink(x: u32): u32 {
  return x < 8192 ? (x * x) >> 20 : (x >> 6) - 64;
}

/** Returns scale * ln(x), x from 1 on. */
export function log_u32(
  x: u32,
  scale: u32,
  table: usize, // s16 [129]
): u32 {
  const integer: u32 = 31 - clz<u32>(x);
  const rest: u32 = x - (1 << integer);
  const fraction: u32 = integer < 16 ? rest << (16 - integer) : rest >> (integer - 16);
  table += (fraction >> 9) << 1;
  const c0: i32 = load<u16>(table);
  const slope: i32 = <i32>load<u16>(table, 2) - c0;
  const log2: u32 = (integer << 16) + fraction + c0 + ((slope * <i32>(fraction & 511)) >> 16);
  const ln = <u32>((<u64>log2 * 45426 + 32768) >> 16);
  return (scale * ln + 32768) >> 16;
}
