/**
 * finish: the sums of a place to its outputs, for layers whose sums and shifts are known to be small.
 *
 * In: sums i32 [y_c] with their bias, |sum| < 2^30, every shift in -31..-1.  Out: s8 [y_c].  Tables of a
 * layer: `multiplier` u32, doubled, `shift` s = -1 - shift, and ONCE_FROM more where sums are rounded once;
 * `y_zero` is 2 * zero point + 1.  emit/ops/tiles.ts holds a layer against these bounds.
 *
 * Exact: requantise of fixed-point.ts with fewer operations. Doubled multipliers put the product's upper word
 * at the right place, and the top bit of the lower one is what 2^31 would carry. Then (x + 2^s - (x < 0)) >>
 * (s + 1), a half rounded away from zero, is ((x - (x < 0)) >> s) + 1 >> 1.
 *
 * Rounded once, (sum * 2m + 2^(32 + s)) >> (33 + s) is the upper word, shifted by s, plus one, halved: floors
 * of floors are one floor.
 *
 * Cost on RV32IMC: 21 instructions an output (gcc 12). It clamps before the last halving: of minimum and
 * maximum gcc makes two moves more. What lies as far apart at every output is a distance, not a pointer: gcc
 * would compute it anew. APART, where there is no such distance, has pointers.
 */
import { ONCE_FROM } from "./fixed-point";
import { tile_outputs } from "./fetch";
import { APART, FETCH, ONCE } from "./needs";
import { TileBlock } from "./patch";

/** All outputs of a place, or those of a tile. */
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
