/** Masks of scores: values that a softmax gives no weight to, in place of those that would not be finite. */

/** e to this is 0 in float32, beside scores below some thousands. */
export const masked = -1e4;

/** Whether some row of a mask keeps nothing, so that a softmax would share what is masked. */
export function leavesNothing(data: ArrayLike<number>, width: number, isMasked: (v: number) => boolean): boolean {
  const all = Array.from(data);
  return Array.from({ length: all.length / width }, (_, row) => all.slice(row * width, (row + 1) * width)).some((row) =>
    row.every(isMasked),
  );
}
