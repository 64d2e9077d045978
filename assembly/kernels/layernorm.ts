/**
 * layernorm in int8: rows are normalised by their own mean and variance.
 *
 * In: x s8 [...][frame_rows][count].  Out: frames first to first + rows - 1 of y, the same shape.  Sums and
 * squares are exact; the reciprocal square root of a row takes four Newton-Raphson steps.  Exact:
 * quant/ops/layernorm.ts, which has the formula.  Cost: two multiplications of 64 bits per output.
 */
import { clamp } from "./fixed-point";


@unmanaged
export class LayerNormBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a row
  frame_rows: i32; // rows of a frame
  x_zero: i32;
  centre: i32; // 1: the mean is subtracted
  square_shift: i32; // bits by which squares are shifted to the left
  epsilon_low: u32; // lower word of 62 bits, in the scale of the shifted squares
  epsilon_high: i32;
  root_shift: i32; // right shift of difference times root, for squares that fill 64 bits
  gain: usize; // i32 [count]
  offset: usize; // i32 [count], includes the zero point of the output and a half to round
  offset_shift: i32;
  out_shift: i32;
  min: i32;
  max: i32;
}

/** Returns 2^30 / sqrt(x / 2^32), x in [2^30, 2^32). */
export function reciprocal_root(x: u64): u64 {
  let y: u64 = 2290045353 - ((x * 39) >> 7);
  for (let i: i32 = 0; i < 4; i++) {
    const t: u64 = (((y * y) >> 30) * x) >> 32;
    y = (y * (3221225472 - t)) >> 31;
  }
  return y;
}

export function layernorm_s8(p: LayerNormBlock, first: i32, rows: i32): void {
  const n = p.count;
  const zero = p.x_zero;
  const per = p.frame_rows;
  const epsilon = ((<u64>p.epsilon_high) << 32) | (<u64>p.epsilon_low);
  for (let r = first * per; r < (first + rows) * per; r++) {
    const x = p.x + r * n; // s8 [n]
    const y = p.y + r * n; // s8 [n]
    let sum = 0;
    let squares: i64 = 0;
    for (let i: i32 = 0; i < n; i++) {
      const v = <i32>load<i8>(x + i) - zero;
      sum += v;
      squares += v * v;
    }
    if (!p.centre) sum = 0;
    const whole = max<i64>(1, <i64>n * squares - <i64>sum * <i64>sum);
    const e = ((<u64>whole) << (<u64>p.square_shift)) + epsilon;
    const z = clz(e) & 62;
    const root = <i64>reciprocal_root((e << z) >> 32);
    const right = <i64>p.root_shift - <i64>(z >> 1);
    const half = (<i64>1) << (right - 1);
    for (let i: i32 = 0; i < n; i++) {
      const d = n * (<i32>load<i8>(x + i) - zero) - sum;
      const t = (<i64>d * root + half) >> right;
      const m = <i64>load<i32>(p.gain + (i << 2));
      const b = <i64>load<i32>(p.offset + (i << 2));
      store<i8>(y + i, clamp(<i32>((t * m + (b << (<i64>p.offset_shift))) >> (<i64>p.out_shift)), p.min, p.max));
    }
  }
}
