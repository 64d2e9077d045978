/**
 * The folder of reference models and signals, for tests that compare with the results of other projects.
 *
 * They belong to their owners and are not part of this repository: `../shared` next to the checkout, or
 * RUNLET_SHARED. A test that needs them is skipped if they are absent.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const sharedDir = process.env.RUNLET_SHARED ?? join(root, '..', 'shared');

const seed = Number(process.env.RUNLET_SEED ?? 1);
const share = Number(process.env.RUNLET_SHARE ?? 1);

/** Returns one in `every` items of a list, chosen by the seed. `every` consecutive seeds cover the list. */
export const turnOf = <T>(list: readonly T[], every: number, turn = seed): T[] => list.filter((_, i) => (i + turn) % every === 0);

/**
 * Returns the items of a list whose turn it is: one in RUNLET_SHARE but at least one, or all if that is not
 * set.
 * @param offset of the turn
 */
export const todays = <T>(list: readonly T[], offset = 0): T[] => turnOf(list, Math.min(share, list.length), seed + offset);

/** Returns the folder below shared/; undefined if it is absent, with a message that says how to get it. */
export function shared(...parts: string[]): string | undefined {
  const path = join(sharedDir, ...parts);
  if (existsSync(path)) return path;
  console.log(
    `skipped: ${parts.join('/')} is not in ${sharedDir}; put the reference models and signals there, or set RUNLET_SHARED`,
  );
  return undefined;
}
