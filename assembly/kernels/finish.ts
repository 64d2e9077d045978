/**
 * finish: the sums of a place to its outputs, for layers whose sums and shifts are known to be small.
 *
 * In: sums i32 [Y_C], |sum + bias| < 2^30, every shift in -31..-1.  Out: s8 [Y_C].  Tables of a layer: BIAS 2 * bias, MULTIPLIER as it is,
 * SHIFT s = -1 - shift; Y_ZERO is 2 * zero point + 1.  emit/ops/tiles.ts holds a layer against these bounds.
 *
 * Exact: requantise of fixed-point.ts with fewer operations. Doubled sums put the product's upper word at the right place. Then
 * (x + 2^s - (x < 0)) >> (s + 1), a half rounded away from zero, is ((x - (x < 0)) >> s) + 1 >> 1.
 */
import { BIAS, MAX, MIN, MULTIPLIER, SHIFT, SUMS, Y_C, Y_ZERO } from "./block";
import { tile_outputs } from "./fetch";
import { FETCH } from "./needs";

/** All outputs of a place, or those of a tile. */
export function finish_row(
  p: usize, // MAC block
  y: usize, // s8 [y_c]
): void {
  let sum = <usize>load<i32>(p, SUMS);
  let bias = <usize>load<i32>(p, BIAS);
  let multiplier = <usize>load<i32>(p, MULTIPLIER);
  let shift = <usize>load<i32>(p, SHIFT);
  const round = load<i32>(p, Y_ZERO);
  const low = load<i32>(p, MIN);
  const high = load<i32>(p, MAX);
  const end = y + (FETCH ? tile_outputs : load<i32>(p, Y_C));
  for (; y < end; y++) {
    const x: i32 = (load<i32>(sum) << 1) + load<i32>(bias); // wraps around
    const v = <i32>((<i64>x * <i64>load<i32>(multiplier) + 0x80000000) >> 32);
    store<i8>(y, min(high, max(low, (((v + (v >> 31)) >> load<i8>(shift)) + round) >> 1)));
    sum += 4;
    bias += 4;
    multiplier += 4;
    shift++;
  }
}
