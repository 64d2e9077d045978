/**
 * finish: turns the sums of a position into its outputs, for layers with small sums and shifts.
 *
 * In: sums i32 [y_c] that include their bias, |sum| < 2^30, every shift in -31..-1.  Out: s8 [y_c].  Tables
 * of a layer: `multiplier` u32, doubled; `shift` s = -1 - shift, plus ONCE_FROM if sums are rounded once;
 * `y_zero` 2 * zero point + 1.  emit/targets/native.ts checks these bounds for a layer.
 *
 * Exact: requantise of fixed-point.ts with fewer operations. Doubled multipliers put the product's upper word
 * at the right position, and the top bit of the lower word is the carry of adding 2^31. Then (x + 2^s - (x <
 * 0)) >> (s + 1), a half rounded away from zero, is ((x - (x < 0)) >> s) + 1 >> 1.
 *
 * If sums are rounded once, (sum * 2m + 2^(32 + s)) >> (33 + s) is the upper word, shifted by s, plus one,
 * halved: nested floors are one floor.
 *
 * Cost on RV32IMC: 21 instructions per output (gcc 12). It clamps before the last halving, because gcc needs
 * two more moves for minimum and maximum. The distance from sums to multipliers is the same at every output,
 * so it is kept instead of a pointer, which gcc would compute again. With APART there is no such distance,
 * and pointers are kept.
 */
import { ONCE_FROM } from "./fixed-point";
import { tile_outputs } from "./fetch";
import { APART, FETCH, ONCE } from "./needs";
import { TileBlock } from "./patch";

/** Computes all outputs of a position, or those of a tile. */
export function finish_row(
  p: TileBlock,
  y: usize, // s8 [y_c]
): void {
  let sum = p.sums;
  let multiplier = p.multiplier;
  let shift = p.shift;
  if (!APART) {
    multiplier -= sum;
    shift -= y;
  }
  const round = p.y_zero;
  const low = p.min;
  const high = p.max;
  const end = y + (FETCH ? tile_outputs : p.y_c);
  do {
    const product = <i64>load<i32>(sum) * <i64>load<u32>(APART ? multiplier : sum + multiplier);
    let twice: i32;
    if (ONCE && load<i8>(APART ? shift : y + shift) >= ONCE_FROM) {
      twice = ((<i32>(product >> 32)) >> (load<i8>(APART ? shift : y + shift) & 31)) + round;
    } else {
      const v = <i32>(product >> 32) + <i32>((<u32>product) >> 31);
      twice = ((v + (v >> 31)) >> load<i8>(APART ? shift : y + shift)) + round;
    }
    let q = twice >> 1;
    if (twice < low << 1) q = low;
    if (twice > high << 1) q = high;
    store<i8>(y, q);
    sum += 4;
    if (APART) {
      multiplier += 4;
      shift++;
    }
  } while (++y != end);
}
