/**
 * Where the reference models and signals lie, for tests that compare with what others made.
 *
 * They belong to their owners and are not part of this repository: `../shared` beside the checkout, or
 * RUNLET_SHARED. A test that needs them is skipped where they are absent.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const sharedDir = process.env.RUNLET_SHARED ?? join(root, '..', 'shared');

const seed = Number(process.env.RUNLET_SEED ?? 1);
const share = Number(process.env.RUNLET_SHARE ?? 1);

/** One in `every` of a list, which the seed picks: as many seeds in a row have all of them. */
export const turnOf = <T>(list: readonly T[], every: number, turn = seed): T[] => list.filter((_, i) => (i + turn) % every === 0);

/**
 * Those of a long list whose turn it is: one in RUNLET_SHARE. Where it is not set all are taken.
 * @param offset of the turn
 */
export const todays = <T>(list: readonly T[], offset = 0): T[] => turnOf(list, share, seed + offset);

/** The folder below shared/, or undefined (with one line that says how to get it). */
export function shared(...parts: string[]): string | undefined {
  const path = join(sharedDir, ...parts);
  if (existsSync(path)) return path;
  console.log(
    `skipped: ${parts.join('/')} is not in ${sharedDir}; put the reference models and signals there, or set RUNLET_SHARED`,
  );
  return undefined;
}
