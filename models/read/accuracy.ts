/**
 * The metadata key `runlet.accuracy`: how accurate a model is on held-out data, as its recipe measured it.
 *
 * In: a Graph's metadata (text, untrusted).  Out: a percentage; RN133. Runlet does not measure it: it is a
 * statement of whoever trained the model, and serves to choose among sizes of one model.
 */
import { RunletError } from '../error.ts';
import { printable } from '../printable.ts';

/** Returns the accuracy in %, or undefined if the metadata states none. @throws RN133 */
export function accuracyIn({ 'runlet.accuracy': text }: Record<string, string>): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 0 && value <= 100) return value;
  throw new RunletError('RN133', {
    what: "the model's metadata runlet.accuracy cannot be used",
    where: 'runlet.accuracy',
    why: `it is '${printable(text.slice(0, 60))}', and an accuracy is a number from 0 to 100, in %`,
    tryThis: 'export it again',
  });
}
