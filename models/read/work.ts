/** Work: a budget for evaluating the loops and spelt-out cells of one file, in products and sums. */

/** Products and sums per file. A choice: some seconds of time. */
const maxWork = 2 ** 30;
/** Cost of one operator in addition to its values. */
const overhead = 64;

export class Work {
  private left = maxWork;

  /** Returns false if the budget is spent. */
  spend(values: number): boolean {
    this.left -= values;
    return this.left >= 0;
  }

  /** Spends the cost of one operator. */
  start = (values: number): boolean => this.spend(overhead + values);
}
