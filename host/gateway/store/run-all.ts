/**
 * Runs every step of a stop in order, even if earlier steps fail.
 *
 * In: steps.  Errors: the error of the only step that failed, or RN837 with all errors.
 */
import { isRunletError, RunletError } from '../../../models/error.ts';

export type Step = () => unknown;

/** Runs all steps. @throws the error of the only step that failed; RN837 if several failed */
export async function runAll(steps: Iterable<Step>): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps)
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  if (errors.length === 0) return;
  if (errors.length === 1) throw errors[0];
  const texts = errors.map((error) => (isRunletError(error) ? `${error.code} ${error.parts.what}` : String(error)));
  throw new RunletError('RN837', {
    what: `${errors.length} steps of the stop failed`,
    where: 'gateway',
    why: texts.join('; '),
    tryThis: 'free space on the disk; the next start continues with the confirmed bundles',
  });
}
