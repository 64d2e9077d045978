/** Masks of attention scores: a finite value for minus infinity, to which a softmax gives no weight. */

/** Score of a masked element. Its softmax is 0 in float32 next to scores of at most some thousands. */
export const masked = -1e4;

/** Checks whether a row of the mask keeps nothing, so that a softmax would weight masked elements. */
export function leavesNothing(data: ArrayLike<number>, width: number, isMasked: (v: number) => boolean): boolean {
  const all = Array.from(data);
  return Array.from({ length: all.length / width }, (_, row) => all.slice(row * width, (row + 1) * width)).some((row) =>
    row.every(isMasked),
  );
}
