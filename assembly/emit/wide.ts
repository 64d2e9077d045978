/**
 * interp: whether kernels do two tiles or eight channels at a time (need WIDE of assembly/kernels/needs.ts).
 *
 * In: a plan.  Out: yes or no.  The kernels are the same for all layers of a module. Wide ones take 0.7 KB more code, some 2.5 KB of RAM with WAMR's fast interpreter, and about a
 * tenth fewer of a Cortex-M4's instructions there (npm run bench:wamr). A module of many steps has the code anyway that goes with them; small networks are to be small.
 */
import type { StreamPlan } from '../../models/stream/types.ts';

/** Steps from which on a module is wide: N1, N2 and N1P have 9 to 15, microWakeWord's networks 18 and more. */
export const manySteps = 16;

export const isWide = ({ steps }: Pick<StreamPlan, 'steps'>): boolean =>
  steps.filter(({ kind }) => kind !== 'copy').length >= manySteps;
