/**
 * Decides whether `runlet fit` counts compiled code in QEMU or estimates it.
 *
 * In: a bundle, its counted hops, a core.  Out: the count, or the reason for an estimate: a tool is missing,
 * has failed, or would take long.
 */
import type { Bundle } from '../../assembly/build.ts';
import { isRunletError } from '../../models/error.ts';
import { type CoreName, cores, countInstructions } from '../bench/count.ts';
import { coefficients } from './coefficients.ts';
import type { HopCounts } from './counts.ts';
import type { Subject } from './estimate.ts';
import { executedIn, nativeCount } from './native-count.ts';

/** Maximum number of instructions that are counted without --measure: about ten seconds of QEMU. */
const maxUnaskedInstructions = 1e9;
/** Instructions per second of QEMU with -icount, to estimate its duration. */
const instructionsPerSecond = 8e7;

export async function countedUnasked(
  bundle: Pick<Bundle, 'wasm' | 'weights'>,
  counts: HopCounts,
  core: CoreName,
): Promise<Pick<Subject, 'counted' | 'notCounted'>> {
  const [estimated = 0] = nativeCount(executedIn(counts, [counts.all]), coefficients().native[core]);
  if (estimated > maxUnaskedInstructions)
    return { notCounted: `--measure counts it in QEMU, which takes about ${Math.round(estimated / instructionsPerSecond)} s` };
  try {
    return { counted: await countInstructions(bundle, core) };
  } catch (error) {
    if (!isRunletError(error)) throw error;
    if (error.code === 'RN790') return { notCounted: `to count it, install ${cores[core].packages}` };
    return { notCounted: `it could not be counted: ${error.message}` };
  }
}
