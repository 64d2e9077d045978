/**
 * Which of several exact plans is taken. All give the same bytes, so a plan is a point of work and state.
 *
 * In: points and a preference (types.ts).  Out: one of the points; or those that none beats.
 */
import { minOf } from '../lists.ts';
import type { PlanOptions, Preference } from './types.ts';

export interface Point {
  /** Multiply-accumulates an output. */
  macs: number;
  stateBytes: number;
  /** Bytes of rows that are made at every output and not kept (workspace.ts). */
  workspaceBytes: number;
}

/** Work that `balanced` gives for less state, as a share of the least. */
export const workTolerance = 0.1;

/** Most work that a preference takes where the least is `least`. */
export function mostWork(least: number, prefer: Preference): number {
  if (prefer === 'ram') return Number.POSITIVE_INFINITY;
  return prefer === 'work' ? least : least * (1 + workTolerance);
}

/** What is meant where nothing is preferred: a limit on one of the two asks for little of the other. */
export function preferenceOf({ prefer, budgetRam, budgetMacs }: Omit<PlanOptions, 'hop'>): Preference {
  if (prefer) return prefer;
  if (budgetMacs !== undefined) return 'ram';
  return budgetRam === undefined ? 'balanced' : 'work';
}

export const fits = (
  { macs, stateBytes }: Point,
  { budgetRam = Number.POSITIVE_INFINITY, budgetMacs = Number.POSITIVE_INFINITY }: Omit<PlanOptions, 'hop'>,
): boolean => macs <= budgetMacs && stateBytes <= budgetRam;

/** The least by the first cost, of equals by the second; the first of those that are equal in both. */
function least<P>(points: readonly P[], first: (p: P) => number, second: (p: P) => number): P | undefined {
  let best: P | undefined;
  for (const point of points) {
    const difference = best ? first(point) - first(best) || second(point) - second(best) : -1;
    if (difference < 0) best = point;
  }
  return best;
}

/** The point that is preferred; types.ts says which that is. */
export function preferred<P extends Point>(points: readonly P[], prefer: Preference): P | undefined {
  const most = mostWork(minOf(points.map((p) => p.macs)), prefer === 'ram' ? 'balanced' : prefer);
  const best = least(
    points.filter((p) => p.macs <= most),
    (p) => p.stateBytes,
    (p) => p.macs,
  );
  if (prefer !== 'ram' || !best) return best;
  return least(
    points.filter((p) => p.stateBytes <= best.stateBytes),
    (p) => p.stateBytes + p.workspaceBytes,
    (p) => p.macs,
  );
}

/** Points of which none has both less work and less state than another, least work first. */
export function unbeaten<P extends Point>(points: readonly P[]): P[] {
  let least = Number.POSITIVE_INFINITY;
  return [...points]
    .sort((a, b) => a.macs - b.macs || a.stateBytes - b.stateBytes)
    .filter(({ stateBytes }) => {
      if (stateBytes >= least) return false;
      least = stateBytes;
      return true;
    });
}
