/**
 * finish for interpreters: turns the sums of a position into its outputs. It uses as few instructions as
 * possible, because each costs such an engine ten or more of its core's.
 *
 * In: sums i32 [y_c].  Out: s8 [y_c].  Tables of a layer: `bias` {k i64, m u32} [y_c], `y_zero` 2 * zero
 * point + 1.  emit/targets/requantise-interp.ts defines k and m, and proves that outputs are those of
 * fixed-point.ts. The shift is k's last six bits, the only ones that shifts use.
 */
import { tile_outputs } from "./fetch";
import { FETCH, SIGNED, WIDE } from "./needs";
import { TileBlock } from "./patch";

/**
 * Computes all outputs of a position, or those of a tile. T is i32 if some lie below the zero point, u32 if
 * none does, so that each case has its own loop (with a constant argument instead, the optimiser would join
 * the two); bool for a loop that checks `below`.
 */
// @ts-ignore: decorator
@inline
function outputs<T>(
  p: TileBlock,
  y: usize, // s8 [y_c]
  low: i32,
  round: i32,
  below: bool,
): void {
  let sum = p.sums;
  let scale = p.bias;
  const most = <u32>(p.max - low);
  const end = y + (FETCH ? tile_outputs : p.y_c);
  do {
    const k = load<i64>(scale, 0, 4);
    const product = <i64>load<i32>(sum) * <i64>load<u32>(scale, 8) + k;
    let v: i32;
    if (isBoolean<T>() ? below : isSigned<T>()) {
      v = <i32>(product >> 32);
      v = (((v + (v >> 31)) >> (<i32>k)) + round) >> 1;
    } else v = <i32>(product >> k);
    if (<u32>(v - low) > most) store<i8>(y, v < low ? low : <i32>most + low);
    else store<i8>(y, v);
    sum += 4;
    scale += 12;
  } while (++y < end);
}

export function finish_row_interp(
  p: TileBlock,
  y: usize, // s8 [y_c]
): void {
  const low = p.min;
  const round = p.y_zero;
  const below = SIGNED && low + low + 1 < round;
  if (!SIGNED) outputs<u32>(p, y, low, round, false);
  else if (!WIDE) outputs<bool>(p, y, low, round, below);
  else if (below) outputs<i32>(p, y, low, round, true);
  else outputs<u32>(p, y, low, round, false);
}
