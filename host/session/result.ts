/**
 * Result of a classifier: the label with the highest score, or the label whose index the model gives.
 *
 * In: a manifest and the real values of one output.  Out: label, score and index; the first of equal scores.
 * Errors: RN719.
 * Rule: the score is the model's value, unchanged. No softmax is added, because a manifest does not record
 * whether an output holds logits. Cost: one comparison per label, and one object.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { classOf } from '../../models/class-index.ts';
import { RunletError } from '../../models/error.ts';

export interface Result {
  label: string;
  /**
   * Real value of that label: a probability if the model ends in a softmax or a sigmoid, else a logit. If the
   * output is one value and there are several labels, 1 minus its distance from `index`: 1 for an ArgMax.
   */
  score: number;
  /** Index of the label in `labels`. */
  index: number;
}

/** Returns the labels of the elements of output `which`. @throws RN719 */
function labelsOf({ labels = [], detector, outputs, name }: Manifest, which: number): readonly string[] {
  const elements = outputs[which]?.elements ?? 0;
  if (labels.length === elements) return labels;
  if (elements === 1 && detector?.label !== undefined) return [detector.label];
  if (elements === 1 && labels.length > 1) return labels;
  throw new RunletError('RN719', {
    what: 'the model has no labels for this output',
    where: `${name}, output ${which}`,
    why: `the output has ${elements} elements, and there are ${labels.length} labels`,
    tryThis: 'build it with --labels a,b,c, or read the values with output()',
  });
}

/** Returns the label with the highest of `values`. @throws RN719 */
export function resultOf(manifest: Manifest, which: number, values: Float32Array): Result {
  const labels = labelsOf(manifest, which);
  const index = classOf(values, labels.length);
  const isSingle = values.length === 1 && labels.length > 1;
  const score = isSingle ? 1 - Math.abs((values[0] as number) - index) : (values[index] as number);
  return { label: labels[index] as string, score, index };
}
