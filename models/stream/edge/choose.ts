/**
 * Which exact plan: all that there are, as points of work and state, and the one that is preferred.
 *
 * In: a Graph, plan options, and the plans of other exact modes.  Out: a layout, or one of those plans.
 * Source: edge-exact proof, section 5: with left edges kept or computed ahead, work falls with depth until
 * nothing more pays, so the search begins at the deepest and ends where all is too much work.
 */

import type { Graph } from '../../graph/types.ts';
import { append, minOf } from '../../lists.ts';
import { fits, mostWork, type Point, preferenceOf, preferred, unbeaten } from '../prefer.ts';
import { type PlanOptions, type Preference, preferences } from '../types.ts';
import { type LayoutPoint, layoutsByDepth } from './layouts.ts';

/** Layouts within the budgets, and no depths at which all do more work than is preferred. */
function candidates(graph: Graph, options: PlanOptions, others: readonly Point[]): LayoutPoint[] {
  const prefer = preferenceOf(options);
  // a layout of less work may not fit, so all are looked at
  const limited = options.budgetRam !== undefined || options.budgetMacs !== undefined;
  const found: LayoutPoint[] = [];
  let work = minOf(others.map((p) => p.macs));
  const most = (least: number): number => (limited ? Number.POSITIVE_INFINITY : mostWork(Math.min(work, least), prefer));
  for (const all of layoutsByDepth(graph, options.hop, { ...options, mostWork: most })) {
    const lowest = minOf(all.map((p) => p.macs));
    if (lowest > most(lowest)) break;
    work = Math.min(work, lowest);
    append(
      found,
      all.filter((p) => fits(p, options)),
    );
  }
  return found;
}

/**
 * The preferred of `others` and, where edge-exact is among the modes, of all layouts. `others` come first
 * where work and state are equal. Undefined if none is within the budgets.
 */
export function choose<P extends Point = never>(
  graph: Graph,
  options: PlanOptions,
  others: readonly P[] = [],
  isEdge = true,
): P | LayoutPoint | undefined {
  const own = others.filter((p) => fits(p, options));
  return preferred<P | LayoutPoint>([...own, ...(isEdge ? candidates(graph, options, own) : [])], preferenceOf(options));
}

/** Layouts and `others` that are preferred, or that no other beats in both work and state. */
export function choices<P extends Point>(
  graph: Graph,
  { hop, microHop }: PlanOptions,
  others: readonly P[] = [],
  isEdge = true,
): { points: (P | LayoutPoint)[]; taken: Map<Preference, P | LayoutPoint> } {
  const all = [...others, ...(isEdge ? [...layoutsByDepth(graph, hop, { microHop })].flat() : [])];
  const taken = new Map<Preference, P | LayoutPoint>();
  for (const prefer of preferences) {
    const found = preferred<P | LayoutPoint>(all, prefer);
    if (found) taken.set(prefer, found);
  }
  const points = new Set([...unbeaten<P | LayoutPoint>(all), ...taken.values()]);
  return { points: [...points].sort((a, b) => a.macs - b.macs || b.stateBytes - a.stateBytes), taken };
}
