/**
 * rows: adds rows of int8 or int16 (T) to int32 sums, element by element; eight at a time if the target has
 * SIMD128.
 *
 * In: row T [n], folded onto sums of `count` elements (n is a multiple of it).  Out: sums i32 [count].  Exact
 * modulo 2^32.
 */

// @ts-ignore: decorator
@inline
function add_four(to: usize, words: v128): void {
  v128.store(to, i32x4.add(v128.load(to), words));
}

/** Computes sums[i] += sign * x[i]; sign is 1 or -1. */
function add_part<T>(
  sums: usize, // i32 [n]
  x: usize, // T [n]
  n: i32,
  sign: i32,
): void {
  let i: i32 = 0;
  if (ASC_FEATURE_SIMD && sizeof<T>() == 1) {
    const factor = i16x8.splat(<i16>sign);
    for (; i + 8 <= n; i += 8) {
      const v = i16x8.mul(v128.load_ext<i8>(x + i), factor);
      const to = sums + (i << 2);
      add_four(to, i32x4.extend_low_i16x8_s(v));
      add_four(to + 16, i32x4.extend_high_i16x8_s(v));
    }
  }
  for (; i < n; i++) {
    const to = sums + (i << 2);
    store<i32>(to, load<i32>(to) + sign * <i32>load<T>(x + i * <i32>sizeof<T>()));
  }
}

/** Adds one row. */
export function add_row<T>(sums: usize, x: usize, n: i32, count: i32, sign: i32): void {
  for (let i: i32 = 0; i < n; i += count) add_part<T>(sums, x + i * <i32>sizeof<T>(), count, sign);
}

/** Adds rows that lie `pitch` elements apart. */
export function add_rows<T>(sums: usize, x: usize, rows: i32, pitch: i32, n: i32, count: i32): void {
  for (let r: i32 = 0; r < rows; r++) add_row<T>(sums, x + r * pitch * <i32>sizeof<T>(), n, count, 1);
}
