/**
 * Chooses among exact plans. All give the same bytes, so only their costs count.
 *
 * In: plans as points (work, state, workspace), and a preference (types.ts).
 * Out: one point, or the Pareto-optimal points.
 */
import { minOf } from '../lists.ts';
import type { PlanOptions, Preference } from './types.ts';

export interface Point {
  /** Multiply-accumulates per output. */
  macs: number;
  /** Additions and comparisons per output of layers that reduce rows (adds.ts). */
  adds: number;
  /** Bytes of histories that move per output (workspace.ts). */
  moves: number;
  stateBytes: number;
  /** Bytes of rows that are computed at every output and not kept (workspace.ts). */
  workspaceBytes: number;
}

/** Extra work that `balanced` accepts for less state: a share of the least work (docs/adr/0040). */
export const workTolerance = 0.1;

/** Returns the work that a preference accepts at most, if the cheapest plan does `leastWork`. */
export function workLimit(leastWork: number, prefer: Preference): number {
  if (prefer === 'ram') return Number.POSITIVE_INFINITY;
  return prefer === 'work' ? leastWork : leastWork * (1 + workTolerance);
}

/** Returns `prefer` or its default: with a budget for one cost, the default saves the other one. */
export function preferenceOf({ prefer, budgetRam, budgetMacs }: Omit<PlanOptions, 'hop'>): Preference {
  if (prefer) return prefer;
  if (budgetMacs !== undefined) return 'ram';
  return budgetRam === undefined ? 'balanced' : 'work';
}

export const isWithinBudget = (
  { macs, stateBytes }: Point,
  { budgetRam = Number.POSITIVE_INFINITY, budgetMacs = Number.POSITIVE_INFINITY }: Omit<PlanOptions, 'hop'>,
): boolean => macs <= budgetMacs && stateBytes <= budgetRam;

/** Returns the item with the least first cost. Ties are broken by the second cost, then by order. */
function cheapest<P>(points: readonly P[], first: (p: P) => number, second: (p: P) => number): P | undefined {
  let best: P | undefined;
  for (const point of points) {
    const difference = best ? first(point) - first(best) || second(point) - second(best) : -1;
    if (difference < 0) best = point;
  }
  return best;
}

/**
 * Leaves out plans that do much more of some other work than another plan: more than their layers do
 * multiply-accumulates. Those alone do not show a pool or a history that takes time with the window's length.
 */
function withoutMost<P extends Point>(points: readonly P[], other: (p: P) => number): P[] {
  const least = minOf(points.map(other));
  return points.filter((p) => other(p) <= least + p.macs);
}

/** Returns the point that a preference chooses (types.ts). */
export function preferred<P extends Point>(given: readonly P[], prefer: Preference): P | undefined {
  const points = withoutMost(given, (p) => p.adds);
  const maxMacs = workLimit(minOf(points.map((p) => p.macs)), prefer === 'ram' ? 'balanced' : prefer);
  const cheap = points.filter((p) => p.macs <= maxMacs);
  const best = cheapest(
    prefer === 'ram' ? cheap : withoutMost(cheap, (p) => p.moves),
    (p) => p.stateBytes,
    (p) => p.macs,
  );
  if (prefer !== 'ram' || !best) return best;
  return cheapest(
    points.filter((p) => p.stateBytes <= best.stateBytes),
    (p) => p.stateBytes + p.workspaceBytes,
    (p) => p.macs,
  );
}

/** Returns the Pareto-optimal points of work and state, least work first. */
export function paretoOptimal<P extends Point>(points: readonly P[]): P[] {
  let leastState = Number.POSITIVE_INFINITY;
  return [...points]
    .sort((a, b) => a.macs - b.macs || a.stateBytes - b.stateBytes)
    .filter(({ stateBytes }) => {
      if (stateBytes >= leastState) return false;
      leastState = stateBytes;
      return true;
    });
}
