/**
 * mul in int16: element-wise product of two tensors with zero points 0.
 *
 * In: x s16 [...][count], x2 s16 [period], repeated.  Out: rows first to first + rows - 1 of
 * y s16 [...][count].
 * Exact: quant/ops/mul.ts.
 */
import { clamp, requantise } from "./fixed-point";
import { MulBlock } from "./mul";

export function mul_s16(p: MulBlock, first: i32, rows: i32): void {
  const count = p.count;
  const period = p.period;
  let j = (first * count) % period;
  for (let i = first * count; i < (first + rows) * count; i++) {
    const product = <i32>load<i16>(p.x + (i << 1)) * <i32>load<i16>(p.x2 + (j << 1));
    if (++j == period) j = 0;
    store<i16>(p.y + (i << 1), clamp(requantise(product, p.mult_y, p.shift_y), p.min, p.max));
  }
}
