/**
 * Work: what evaluating the loops and spelt-out cells of one file may take, in products and sums.
 */

/** A choice: some seconds. */
const most = 2 ** 30;
/** What an operator costs beside its values. */
const overhead = 64;

export class Work {
  private left = most;

  /** False where no more may be done. */
  spend(values: number): boolean {
    this.left -= values;
    return this.left >= 0;
  }

  /** For one operator. */
  start = (values: number): boolean => this.spend(overhead + values);
}
