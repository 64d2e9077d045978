/**
 * The one or two outputs of a place that are left over by tiles of several, where they have more than FEW_TAPS taps.
 *
 * In: taps side by side.  Out: their sums.  Weights i32, what the sum starts from, then s8 [taps], filled up with zeros to whole fours, one output after the other.
 */

/** Outputs o to end - 1; returns where the weights of what follows begin. */
export function last_rows(
  sums: usize, // i32, of output o
  end: usize, // of the sums
  x: usize, // s8 [taps]
  w: usize, // [outputs]: i32, s8 [taps]
  taps: i32,
): usize {
  for (; sums < end; sums += 4) {
    let acc = load<i32>(w);
    w += 4;
    let from = x;
    for (let i = taps; i > 0; i -= 4) {
      acc += <i32>load<i8>(w) * <i32>load<i8>(from);
      acc += <i32>load<i8>(w, 1) * <i32>load<i8>(from, 1);
      acc += <i32>load<i8>(w, 2) * <i32>load<i8>(from, 2);
      acc += <i32>load<i8>(w, 3) * <i32>load<i8>(from, 3);
      w += 4;
      from += 4;
    }
    store<i32>(sums, acc);
  }
  return w;
}
