/**
 * edge-exact plans of all kinds: with each preference, within a budget of state or work, shallow, with a
 * micro-hop.
 *
 * In: a Graph, a hop and a random function.  Out: a QuantPlan, and the kinds of left edges and depths in its
 * layout.
 */

import { isRunletError } from '../../models/error.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type PlanOptions, preferences } from '../../models/stream/types.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';

/** Plans the graph. Undefined if no layout supports this micro-hop (RN201) or fits this budget (RN205). */
function attempt(graph: Graph, options: PlanOptions): QuantPlan | undefined {
  try {
    return quantPlan(planStream(graph, options));
  } catch (error) {
    if (isRunletError(error) && (error.code === 'RN201' || error.code === 'RN205')) return undefined;
    throw error;
  }
}

export interface AnyLayout {
  quant: QuantPlan;
  kinds: Kind[];
}

export const kinds = ['keep', 'fork', 'fold', 'taps', 'summed', 'again', 'cone', 'shallow', 'whole', 'micro-hop'] as const;
export type Kind = (typeof kinds)[number];

export function anyLayout(graph: Graph, hop: number, rnd: () => number): AnyLayout {
  const free = quantPlan(planStream(graph, { hop, mode: 'edge-exact' }));
  const { plan } = free;
  const options: PlanOptions = { hop, mode: 'edge-exact' };
  const divisors = Array.from({ length: hop }, (_, i) => i + 1).filter((d) => hop % d === 0);
  if (rnd() < 0.5) options.microHop = divisors[Math.floor(rnd() * divisors.length)] as number;
  const way = rnd();
  const share = rnd();
  const bytes = plan.layout?.stateBytes ?? 0;
  if (way < 0.25) options.budgetRam = Math.ceil(bytes * (0.3 + 0.7 * share));
  else if (way < 0.5) options.budgetMacs = Math.ceil(plan.macsPerHop + (plan.macsPerWindow - plan.macsPerHop) * share);
  else if (way < 0.75) options.depth = Math.floor(share * (plan.graph.nodes.length + 1));
  if (rnd() < 0.5) options.prefer = preferences[Math.floor(rnd() * preferences.length)];
  const { microHop: _, ...whole } = options;
  const quant = attempt(graph, options) ?? attempt(graph, whole) ?? free;
  return { quant, kinds: kindsOf(quant, plan.layout?.trunk.size ?? 0) };
}

function kindsOf({ plan }: QuantPlan, deepest: number): Kind[] {
  const { layout } = plan;
  if (!layout || layout.trunk.size === 0) return ['whole'];
  const { ahead, recomputed } = layout.choice;
  const lefts = [...layout.streams.values()].some(({ leftEdge }) => (leftEdge?.computed ?? 0) > 0);
  const found: Kind[] = layout.folds.size > 0 ? ['fold'] : [];
  const taps = [...layout.taps.values()];
  if (taps.some((t) => t.records > 0)) found.push('taps');
  if (taps.some((t) => t.unrecorded.length > 0)) found.push('summed');
  const more = [...layout.trunk].filter((node) => recomputed.has(node)).length;
  if (lefts) found.push(more === layout.trunk.size ? 'cone' : ahead > 0 ? 'fork' : 'keep');
  if (lefts && more > 0 && more < layout.trunk.size) found.push('again');
  if (layout.trunk.size < deepest) found.push('shallow');
  if (plan.microHop < plan.hop) found.push('micro-hop');
  return found;
}
