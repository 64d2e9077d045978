/**
 * The one or two outputs of a position that remain after full tiles, if they have more than FEW_TAPS taps.
 *
 * In: adjacent taps.  Out: their sums.  Weights s8 [taps], padded with zeros to a multiple of 4, one output
 * after the other, each after the start value of its sum if there is one.
 */

/** With at most this number of taps, one or two remaining outputs get a tile that is padded with zeros. */
export const FEW_TAPS = 32;

/** Computes the sums of outputs o to end - 1. Returns where the following weights begin. */
export function last_rows(
  sums: usize, // i32, from output o on
  end: usize, // end of the sums
  x: usize, // s8 [taps]
  w: usize, // [outputs]: start bytes, s8 [taps]
  taps: i32,
  start: i32, // 4: each sum starts at an i32 before its weights; 0: at 0
): usize {
  for (; sums < end; sums += 4) {
    let acc = start ? load<i32>(w) : 0;
    w += start;
    let from = x;
    let i = (taps + 3) & ~3;
    do {
      acc += <i32>load<i8>(w) * <i32>load<i8>(from);
      acc += <i32>load<i8>(w, 1) * <i32>load<i8>(from, 1);
      acc += <i32>load<i8>(w, 2) * <i32>load<i8>(from, 2);
      acc += <i32>load<i8>(w, 3) * <i32>load<i8>(from, 3);
      w += 4;
      from += 4;
      i -= 4;
    } while (i);
    store<i32>(sums, acc);
  }
  return w;
}
