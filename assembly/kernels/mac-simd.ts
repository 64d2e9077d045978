/**
 * What the SIMD128 kernels share: int16 taps, sums of whole positions, eight requantisations at a time.
 *
 * Tables of a layer have one value per output, padded to whole tiles. Sums start at `bias`. If
 * emit/targets/requantise-f32.ts has proved floats exact for every possible sum, `multiplier` and `shift` are
 * f32, scale and offset; `magic` is 1.5 * 2^22, and `y_zero` its bits less twice the output of 0.  Otherwise
 * (`integers`) `multiplier` is Q31, `shift` 2^(32 - s), s = -1 - shift in 2..30, `y_zero` 2 * zero point + 1,
 * |sum| < 2^30. Exact.
 */
import { MacBlock } from "./mac";
import { CLAMPS, EXACT, POOLED, SIGNED } from "./needs";


@unmanaged
export class SimdBlock extends MacBlock {
  chunk: i32; // conv: output rows whose input is widened together
  patch: usize; // address, s16: taps of four positions, or the widened input
  sums: usize; // address, i32: sums of four positions, each padded to sixteen
  place: i32; // conv-simd.ts: values between two positions; conv-place-simd.ts: taps
  pool: i32; // conv-simd.ts: positions of a fused max pool; conv-place-simd.ts: bytes between two positions
  integers: i32; // 1: outputs are requantised in integers
  signed_bias: usize; // relaxed: address, i32 [o], `bias` of the form of signed bytes (mac-relaxed.ts)
  magic: i32; // f32
  below: usize; // address, f32 [o], if outputs lie on both sides of the zero point, else 0
}

/** Converts values to int16 less the zero point; writes multiples of 8. */
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

/**
 * Converts four sums to twice the outputs, not clamped yet. Adding 1.5 * 2^22 rounds x to halves, which are
 * its last bit. finish_eight then rounds down, so that ties go up.
 */
// @ts-ignore: decorator
@inline
function finish_four(sum: v128, scale: v128, offset: v128, magic: v128, zero: v128): v128 {
  const x = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum), scale), offset);
  return i32x4.sub(f32x4.add(x, magic), zero);
}

/** Returns the upper words of two pairs of products. */
// @ts-ignore: decorator
@inline
function upper(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}

/** Adds two products to each of four sums. */
// @ts-ignore: decorator
@inline
export function mac(sum: v128, x: v128, w: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, w));
}

/** Returns the bytes of the sums of a position: i32 [y_c], and what a tile of sixteen writes past them. */
// @ts-ignore: decorator
@inline
export function sums_bytes(y_c: i32): i32 {
  return (y_c + 16) << 2;
}

/** Stores the sums of eight outputs. */
// @ts-ignore: decorator
@inline
export function keep(sums: usize, a0: v128, a1: v128): void {
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
}

/** Stores the sums of eight outputs of four positions, or the largest of two or of all. */
// @ts-ignore: decorator
@inline
export function keep_four(
  sums: usize, // i32, positions `pitch` bytes apart
  pitch: i32,
  pool: i32, // 1, 2 or 4
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
): void {
  // requantisation keeps the order of sums, so that the largest output is that of the largest sum
  if (POOLED && pool > 1) {
    a0 = i32x4.max_s(a0, b0);
    a1 = i32x4.max_s(a1, b1);
    b0 = i32x4.max_s(c0, d0);
    b1 = i32x4.max_s(c1, d1);
    if (pool == 4) {
      a0 = i32x4.max_s(a0, b0);
      a1 = i32x4.max_s(a1, b1);
    }
  }
  keep(sums, a0, a1);
  keep(sums + pitch, b0, b1);
  keep(sums + 2 * pitch, c0, c1);
  keep(sums + 3 * pitch, d0, d1);
}

/** Interleaves the bytes of two rows: first eight channels. */
// @ts-ignore: decorator
@inline
export function bytes_low(u: v128, v: v128): v128 {
  return v128.shuffle<i8>(u, v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** Interleaves the bytes of two rows: last eight channels. */
// @ts-ignore: decorator
@inline
export function bytes_high(u: v128, v: v128): v128 {
  return v128.shuffle<i8>(u, v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Does the same by the integers' two roundings. */
function exact_four(sum: v128, m: v128, s: v128, round: v128): v128 {
  const half = i64x2.splat(0x80000000);
  const x = i32x4.shl(sum, 1);
  let v = upper(i64x2.add(i64x2.extmul_low_i32x4_s(x, m), half), i64x2.add(i64x2.extmul_high_i32x4_s(x, m), half));
  v = i32x4.add(v, i32x4.shr_s(v, 31));
  v = upper(i64x2.extmul_low_i32x4_s(v, s), i64x2.extmul_high_i32x4_s(v, s));
  return i32x4.add(v, round);
}

// @ts-ignore: decorator
@inline
export function is_exact(p: SimdBlock): bool {
  return EXACT ? p.integers != 0 : false;
}

// @ts-ignore: decorator
@inline
export function below_of(p: SimdBlock): usize {
  return SIGNED ? p.below : 0;
}

/** Converts eight sums to int16 outputs, clamped if a layer of the module has a clamp. */
// @ts-ignore: decorator
@inline
export function words_of(
  p: SimdBlock,
  a0: v128,
  a1: v128,
  scale: v128, // scale and offset of the first four
  scale1: v128,
  offset: v128,
  offset1: v128,
  below: usize, // table of these eight, or 0
  magic: v128,
  zero: v128,
  exact: bool,
  more: i32, // bits by which sums are shifted to the left
): v128 {
  if (exact) {
    if (more) {
      a0 = i32x4.shr_s(a0, more);
      a1 = i32x4.shr_s(a1, more);
    }
    a0 = exact_four(a0, scale, offset, zero);
    a1 = exact_four(a1, scale1, offset1, zero);
  } else {
    if (SIGNED && below) {
      offset = f32x4.add(offset, v128.and(i32x4.shr_s(a0, 31), v128.load(below)));
      offset1 = f32x4.add(offset1, v128.and(i32x4.shr_s(a1, 31), v128.load(below, 16)));
    }
    a0 = finish_four(a0, scale, offset, magic, zero);
    a1 = finish_four(a1, scale1, offset1, magic, zero);
  }
  // what saturates here is far beyond int8
  let words = i16x8.shr_s(i16x8.narrow_i32x4_s(a0, a1), 1);
  if (CLAMPS) {
    words = i16x8.max_s(v128.load_splat<i16>(changetype<usize>(p), offsetof<SimdBlock>("min")), words);
    words = i16x8.min_s(v128.load_splat<i16>(changetype<usize>(p), offsetof<SimdBlock>("max")), words);
  }
  return words;
}

/** Converts eight sums to outputs, and writes the first `left` of them. */
// @ts-ignore: decorator
@inline
export function finish_eight(
  p: SimdBlock,
  y: usize, // s8 [8]
  a0: v128,
  a1: v128,
  scale: v128, // this and the next ones as in words_of
  scale1: v128,
  offset: v128,
  offset1: v128,
  below: usize,
  magic: v128,
  zero: v128,
  exact: bool,
  left: i32,
  sums: usize, // address at which sixteen bytes may be written
  more: i32,
): void {
  const words = words_of(p, a0, a1, scale, scale1, offset, offset1, below, magic, zero, exact, more);
  const bytes = i8x16.narrow_i16x8_s(words, words);
  if (left >= 8) v128.store64_lane(y, bytes, 0);
  else {
    // no call here: it would store and reload registers
    v128.store(sums, bytes);
    for (let i: i32 = 0; i < left; i++) store<u8>(y + i, load<u8>(sums + i));
  }
}

/** Computes all outputs of a position from its sums, which are overwritten. */
export function finish_place(
  p: SimdBlock,
  y: usize, // s8 [y_c]
  sums: usize,
): void {
  const exact = is_exact(p);
  let scale = p.multiplier;
  let offset = p.shift;
  let below = below_of(p);
  const magic = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("magic"));
  const zero = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("y_zero"));
  for (const end = y + p.y_c; y < end; y += 8) {
    finish_eight(
      p,
      y,
      v128.load(sums),
      v128.load(sums, 16),
      v128.load(scale),
      v128.load(scale, 16),
      v128.load(offset),
      v128.load(offset, 16),
      below,
      magic,
      zero,
      exact,
      end - y,
      sums,
      0,
    );
    if (SIGNED && below) below += 32;
    sums += 32;
    scale += 32;
    offset += 32;
  }
}

/** Returns the zero point of the input in eight lanes. */
// @ts-ignore: decorator
@inline
export function zeros(p: SimdBlock): v128 {
  return i16x8.splat(<i16>p.x_zero);
}
