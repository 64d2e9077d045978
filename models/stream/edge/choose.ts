/**
 * Chooses among all exact plans: the layouts of edge-exact, and the plans of the other exact modes.
 *
 * In: a Graph, plan options, and the plans of the other modes as points.  Out: a layout, or one of those
 * plans.
 * Source: edge-exact proof, section 5. With left edges kept or computed ahead, work falls with depth until a
 * layer saves nothing. So the search starts at the largest depth and ends at a depth with too much work.
 */

import type { Graph } from '../../graph/types.ts';
import { append, minOf } from '../../lists.ts';
import { isWithinBudget, type Point, paretoOptimal, preferenceOf, preferred, workLimit } from '../prefer.ts';
import { type PlanOptions, type Preference, preferences } from '../types.ts';
import { type LayoutPoint, layoutsByDepth } from './layouts.ts';

/** Returns layouts within the budgets. Depths at which every layout exceeds the work limit are left out. */
function candidates(graph: Graph, options: PlanOptions, others: readonly Point[]): LayoutPoint[] {
  const prefer = preferenceOf(options);
  // the layout with the least work may exceed a budget, so there is no work limit then
  const limited = options.budgetRam !== undefined || options.budgetMacs !== undefined;
  const found: LayoutPoint[] = [];
  let work = minOf(others.map((p) => p.macs));
  const limitOf = (leastWork: number): number =>
    limited ? Number.POSITIVE_INFINITY : workLimit(Math.min(work, leastWork), prefer);
  for (const all of layoutsByDepth(graph, options.hop, { ...options, workLimit: limitOf })) {
    const lowest = minOf(all.map((p) => p.macs));
    if (lowest > limitOf(lowest)) break;
    work = Math.min(work, lowest);
    append(
      found,
      all.filter((p) => isWithinBudget(p, options)),
    );
  }
  return found;
}

/**
 * Returns the preferred point among `others` and, if edge-exact is allowed, all layouts. If costs are equal,
 * `others` win. Returns undefined if no point is within the budgets.
 * @param others plans of other exact modes
 * @param isEdge true: edge-exact is allowed
 */
export function choose<P extends Point = never>(
  graph: Graph,
  options: PlanOptions,
  others: readonly P[] = [],
  isEdge = true,
): P | LayoutPoint | undefined {
  const fitting = others.filter((p) => isWithinBudget(p, options));
  return preferred<P | LayoutPoint>([...fitting, ...(isEdge ? candidates(graph, options, fitting) : [])], preferenceOf(options));
}

/** Returns the Pareto-optimal points among layouts and `others`, and the choice of each preference. */
export function choices<P extends Point>(
  graph: Graph,
  { hop, microHop }: PlanOptions,
  others: readonly P[] = [],
  isEdge = true,
): { points: (P | LayoutPoint)[]; byPreference: Map<Preference, P | LayoutPoint> } {
  const all = [...others, ...(isEdge ? [...layoutsByDepth(graph, hop, { microHop })].flat() : [])];
  const byPreference = new Map<Preference, P | LayoutPoint>();
  for (const prefer of preferences) {
    const found = preferred<P | LayoutPoint>(all, prefer);
    if (found) byPreference.set(prefer, found);
  }
  const points = new Set([...paretoOptimal<P | LayoutPoint>(all), ...byPreference.values()]);
  return { points: [...points].sort((a, b) => a.macs - b.macs || b.stateBytes - a.stateBytes), byPreference };
}
