/**
 * Runs every step of a stop, in order, whatever the steps before it did.
 *
 * In: steps.  Out: nothing where all ended well; else one error, that of the first step that failed, which
 * names the others.
 */
import { isRunletError, RunletError } from '../../../models/error.ts';

export type Step = () => unknown;

/** @throws what the only step that failed threw; RN837 where several did */
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
    tryThis: 'free the disk; what was confirmed before is kept, and the next start goes on from there',
  });
}
