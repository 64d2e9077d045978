/**
 * The one or two outputs of a place that are left over by tiles of several, where they have more than
 * FEW_TAPS taps.
 *
 * In: taps side by side.  Out: their sums.  Weights s8 [taps], filled up with zeros to whole fours, one
 * output after the other, each after what its sum starts from where there is that.
 */

/** One or two outputs beside whole tiles are multiplied by a tile's zeros where they have so few taps. */
export const FEW_TAPS = 32;

/** Outputs o to end - 1; returns where the weights of what follows begin. */
export function last_rows(
  sums: usize, // i32, of output o
  end: usize, // of the sums
  x: usize, // s8 [taps]
  w: usize, // [outputs]: start bytes, s8 [taps]
  taps: i32,
  start: i32, // 4: each sum starts from an i32 before its weights; 0: from 0
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
