/**
 * What a classifier says: the label with the highest score, or whose index the model gives.
 *
 * In: a manifest and real values of one output.  Out: label, score and index; of equal scores the first.
 * Rule: a score is the model's own value. It is a probability where the model ends in a softmax or a sigmoid;
 * no softmax is added, since a manifest does not say that an output holds logits. Cost: one comparison a
 * label, and the object.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { classOf } from '../../models/class-index.ts';
import { RunletError } from '../../models/error.ts';

export interface Result {
  label: string;
  /**
   * Real value of that label: a probability where the model ends in a softmax or a sigmoid, else what the
   * model gives (a logit). Of an output with one value and several labels: 1 less the distance of the value
   * from the index, which is 1 for a model that answers with an index.
   */
  score: number;
  /** Place in `labels`. */
  index: number;
}

/** The labels of the elements of output `which`. @throws RN719 */
function labelsOf({ labels = [], detector, outputs, name }: Manifest, which: number): readonly string[] {
  const elements = outputs[which]?.elements ?? 0;
  if (labels.length === elements || (elements === 1 && labels.length > 1)) return labels;
  if (elements === 1 && detector?.label !== undefined) return [detector.label];
  throw new RunletError('RN719', {
    what: 'the model has no labels for this output',
    where: `${name}, output ${which}`,
    why: `the output has ${elements} elements, and there are ${labels.length} labels`,
    tryThis: 'build it with --labels a,b,c, or read the values with output()',
  });
}

/** @throws RN719 */
export function resultOf(manifest: Manifest, which: number, values: Float32Array): Result {
  const labels = labelsOf(manifest, which);
  const index = classOf(values, labels.length);
  const isSingle = values.length === 1 && labels.length > 1;
  const score = isSingle ? 1 - Math.abs((values[0] as number) - index) : (values[index] as number);
  return { label: labels[index] as string, score, index };
}
