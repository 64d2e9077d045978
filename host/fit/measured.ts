/**
 * Whether `runlet fit` counts compiled code in QEMU or estimates it.
 *
 * In: a bundle, its counted hops, a core.  Out: the count, or why there is none: a tool is missing, failed,
 * or would take long.
 */
import type { Bundle } from '../../assembly/build.ts';
import { isRunletError } from '../../models/error.ts';
import { type CoreName, cores, countInstructions } from '../bench/count.ts';
import { coefficients } from './coefficients.ts';
import type { HopCounts } from './counts.ts';
import type { Subject } from './estimate.ts';
import { executedIn, nativeCount } from './native-count.ts';

/** Instructions that are counted without being asked to: about ten seconds of QEMU. */
export const mostUnasked = 1e9;
/** QEMU with -icount, instructions a second, to say how long it takes. */
const aSecond = 8e7;

export async function countedUnasked(
  bundle: Pick<Bundle, 'wasm' | 'weights'>,
  counts: HopCounts,
  core: CoreName,
): Promise<Pick<Subject, 'counted' | 'notCounted'>> {
  const [estimated = 0] = nativeCount(executedIn(counts, [counts.all]), coefficients().native[core]);
  if (estimated > mostUnasked)
    return { notCounted: `--measure counts it in QEMU, which takes some ${Math.round(estimated / aSecond)} s` };
  try {
    return { counted: await countInstructions(bundle, core) };
  } catch (error) {
    if (!isRunletError(error)) throw error;
    if (error.code === 'RN790') return { notCounted: `it is counted where these are installed: ${cores[core].packages}` };
    return { notCounted: `it could not be counted: ${error.message}` };
  }
}
