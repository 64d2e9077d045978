/**
 * The class that an output stands for.
 *
 * In: the values of one output, and the number of classes.  Out: an index from 0. Several values are scores:
 * the largest one wins, of equal ones the first. A single value is an index (an ArgMax ends the model), or
 * the score of the second of two classes: it is rounded, halves down.
 */
export function classOf(values: ArrayLike<number>, classes: number): number {
  if (values.length === 1) return Math.min(classes - 1, Math.max(0, Math.ceil((values[0] as number) - 0.5)));
  let best = 0;
  for (let i = 1; i < classes; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
