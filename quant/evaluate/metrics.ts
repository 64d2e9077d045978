/**
 * Metrics of a task. For classes: accuracy, F1 and the confusion matrix. For values: the errors.
 *
 * In: true and answered values, in the same order.  Out: metrics.  Counts are exact. F1 = 2 TP / (2 TP + FP +
 * FN); macro F1 is the mean over the classes that occur in the truth or in the answers.
 */

export interface ClassScore {
  name: string;
  /** Number of windows of this class. */
  windows: number;
  precision: number;
  recall: number;
  f1: number;
}

export interface ClassMetrics {
  accuracy: number;
  macroF1: number;
  classes: ClassScore[];
  /** [true class][answered class], number of windows. */
  confusion: number[][];
}

export interface ValueMetrics {
  mae: number;
  rmse: number;
  /** Mean of answer minus truth. */
  bias: number;
  maxError: number;
}

export function classMetrics(truth: readonly number[], answers: readonly number[], names: readonly string[]): ClassMetrics {
  const confusion = names.map(() => names.map(() => 0));
  for (const [i, actual] of truth.entries()) {
    const row = confusion[actual] as number[];
    const answer = answers[i] as number;
    row[answer] = (row[answer] as number) + 1;
  }
  return metricsOfConfusion(confusion, names);
}

/**
 * Metrics of a confusion matrix.
 * @param confusion [true class][answered class], counts or weights. Rows after those of `names` are windows
 * of no class: every answer to them is wrong.
 */
export function metricsOfConfusion(confusion: number[][], names: readonly string[]): ClassMetrics {
  const share = (part: number, all: number) => (all > 0 ? part / all : 0);
  const classes = names.map((name, c): ClassScore => {
    const hits = confusion[c]?.[c] ?? 0;
    const windows = (confusion[c] as number[]).reduce((a, b) => a + b, 0);
    const answered = confusion.reduce((sum, row) => sum + (row[c] as number), 0);
    const [precision, recall, f1] = [share(hits, answered), share(hits, windows), share(2 * hits, windows + answered)];
    return { name, windows, precision, recall, f1 };
  });
  const seen = classes.filter(({ windows }, c) => windows > 0 || confusion.some((row) => row[c]));
  const hits = classes.reduce((sum, _, c) => sum + (confusion[c]?.[c] ?? 0), 0);
  const all = confusion.flat().reduce((a, b) => a + b, 0);
  return {
    accuracy: share(hits, all),
    macroF1: share(
      seen.reduce((sum, c) => sum + c.f1, 0),
      seen.length,
    ),
    classes,
    confusion,
  };
}

export function valueMetrics(truth: readonly number[], answers: readonly number[]): ValueMetrics {
  let [absolute, squared, signed, maxError] = [0, 0, 0, 0];
  for (const [i, want] of truth.entries()) {
    const error = (answers[i] as number) - want;
    absolute += Math.abs(error);
    squared += error * error;
    signed += error;
    maxError = Math.max(maxError, Math.abs(error));
  }
  const n = Math.max(1, truth.length);
  return { mae: absolute / n, rmse: Math.sqrt(squared / n), bias: signed / n, maxError };
}
