/**
 * layernorm with an int16 input or output: rows are normalised by their own mean and variance.
 *
 * In: x s8 or s16 [...][frame_rows][count].  Out: frames first to first + rows - 1 of y s8 or s16, the same
 * shape.  Exact: quant/ops/layernorm.ts, which has the formula.  Cost: three multiplications of 64 bits per
 * output.
 */
import { LayerNormBlock, reciprocal_root } from "./layernorm";

function layernorm_int16<TX, TY>(p: LayerNormBlock, first: i32, rows: i32): void {
  const n = p.count;
  const zero = p.x_zero;
  const per = p.frame_rows;
  const epsilon = ((<u64>p.epsilon_high) << 32) | (<u64>p.epsilon_low);
  for (let r = first * per; r < (first + rows) * per; r++) {
    const x = p.x + r * n * <i32>sizeof<TX>(); // TX [n]
    let y = p.y + r * n * <i32>sizeof<TY>(); // TY [n]
    let sum: i64 = 0;
    let squares: i64 = 0;
    for (let i: i32 = 0; i < n; i++) {
      const v = <i64>load<TX>(x + i * <i32>sizeof<TX>()) - <i64>zero;
      sum += v;
      squares += v * v;
    }
    if (!p.centre) sum = 0;
    const whole = max<i64>(1, <i64>n * squares - sum * sum);
    const e = ((<u64>whole) << (<u64>p.square_shift)) + epsilon;
    const z = clz(e) & 62;
    const root = <i64>reciprocal_root((e << z) >> 32);
    const right = <i64>p.root_shift - <i64>(z >> 1);
    const half = (<i64>1) << (right - 1);
    for (let i: i32 = 0; i < n; i++) {
      const d = <i64>n * (<i64>load<TX>(x + i * <i32>sizeof<TX>()) - <i64>zero) - sum;
      const t = (d * root + half) >> right;
      const m = <i64>load<i32>(p.gain + (i << 2));
      const b = <i64>load<i32>(p.offset + (i << 2));
      const q = <i32>((t * m + (b << (<i64>p.offset_shift))) >> (<i64>p.out_shift));
      store<TY>(y, <TY>min(p.max, max(p.min, q)));
      y += sizeof<TY>();
    }
  }
}

export function layernorm_s16(p: LayerNormBlock, first: i32, rows: i32): void {
  layernorm_int16<i16, i16>(p, first, rows);
}

export function layernorm_s16_s8(p: LayerNormBlock, first: i32, rows: i32): void {
  layernorm_int16<i16, i8>(p, first, rows);
}

export function layernorm_s8_s16(p: LayerNormBlock, first: i32, rows: i32): void {
  layernorm_int16<i8, i16>(p, first, rows);
}
