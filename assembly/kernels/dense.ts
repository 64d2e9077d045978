/**
 * dense: fully connected over a whole window in int8.
 *
 * In: X s8 [PER].  Out: Y s8 [Y_C].  acc = bias + sum w[u][i] * (x[i] - x_zero).  Exact: quant/ops/dense.ts.
 */
import { BIAS, MAX, MIN, MULTIPLIER, PER, SHIFT, WEIGHTS, X, X_ZERO, Y, Y_C, Y_ZERO } from "./block";
import { dot_s8 } from "./conv";
import { clamp, requantise } from "./fixed-point";

export function dense_s8(p: usize): void {
  const n = load<i32>(p, PER);
  const zero = load<i32>(p, X_ZERO);
  const y = load<i32>(p, Y);
  for (let u: i32 = 0; u < load<i32>(p, Y_C); u++) {
    const acc = load<i32>(load<i32>(p, BIAS) + (u << 2)) + dot_s8(load<i32>(p, X), load<i32>(p, WEIGHTS) + u * n, n, zero);
    const m = load<i32>(load<i32>(p, MULTIPLIER) + (u << 2));
    const s = <i32>load<i8>(load<i32>(p, SHIFT) + u);
    store<i8>(y + u, clamp(load<i32>(p, Y_ZERO) + requantise(acc, m, s), load<i32>(p, MIN), load<i32>(p, MAX)));
  }
}
