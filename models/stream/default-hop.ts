/**
 * The hop of a model that names none: about a tenth of its window.
 *
 * In: a Graph, and the mode if one is asked for.  Out: a hop in ticks and why; hops that are cheaper than
 * their neighbours. Near a tenth the hop is taken that shares most with the total stride.
 * So few phases are kept (StreamiNNC rule R2). No plan is made for it.
 */
import { isRunletError } from '../error.ts';
import { gcd, tickName } from '../graph/clock.ts';
import type { Graph } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { planStream } from './plan.ts';
import { totalStride } from './timing.ts';
import type { PlanOptions } from './types.ts';

export interface DefaultHop {
  /** Ticks between two outputs. */
  hop: number;
  /** One sentence for people. */
  why: string;
}

/**
 * Of the hops around `near`, the one that shares the largest factor with the stride, and of those the
 * nearest.
 */
function roundHop(near: number, stride: number, window: number): number {
  const [low, high] = [Math.max(1, Math.ceil(0.7 * near)), Math.min(window, Math.floor(1.4 * near))];
  let best = Math.min(window, Math.max(1, Math.round(near)));
  for (let hop = low; hop <= high; hop++) {
    const gain = gcd(hop, stride) - gcd(best, stride);
    if (gain > 0 || (gain === 0 && Math.abs(hop - near) < Math.abs(best - near))) best = hop;
  }
  return best;
}

/** Mode `stream` takes multiples of the total stride alone. */
function multipleOf(near: number, stride: number, window: number): number {
  const largest = Math.max(1, Math.floor(window / stride));
  return stride * Math.min(largest, Math.max(1, Math.round(near / stride)));
}

interface Near {
  window: number;
  /** The hop for a share of the window. */
  hopNear: (share: number) => number;
}

function nearOf(graph: Graph, { mode }: Omit<PlanOptions, 'hop'>): Near {
  const { window } = viewOf(graph).clock;
  const stride = totalStride(graph);
  const round = mode === 'stream' ? multipleOf : roundHop;
  return { window, hopNear: (share) => round(share * window, stride, window) };
}

/** The hop for a model that names none. A model with its own state answers once a step, and has no other. */
export function defaultHop(graph: Graph, options: Omit<PlanOptions, 'hop'> = {}): DefaultHop {
  const { clock } = viewOf(graph);
  const { window } = clock;
  if (graph.stateful) return { hop: window, why: 'the model carries its own state and answers once a step' };
  if (window === 1) return { hop: 1, why: 'the window is one frame' };
  const hop = nearOf(graph, options).hopNear(0.1);
  return { hop, why: `no hop was given: about a tenth of the window of ${window} ${tickName(clock)}` };
}

/**
 * Up to three hops, ascending, each with less work per frame than the hops one smaller and one larger.
 * At most 12 plans are made.
 */
export function cheaperHops(graph: Graph, options: Omit<PlanOptions, 'hop'> = {}): number[] {
  if (graph.stateful || viewOf(graph).clock.window === 1) return [];
  const { window, hopNear } = nearOf(graph, options);
  const costs = new Map<number, number>();
  /** Work per frame; no such hop has none. */
  const cost = (hop: number): number => {
    const known = costs.get(hop);
    if (known !== undefined) return known;
    let macs = Number.POSITIVE_INFINITY;
    try {
      if (hop >= 1 && hop <= window) macs = planStream(graph, { ...options, hop }).macsPerHop / hop;
    } catch (error) {
      if (!isRunletError(error)) throw error;
    }
    costs.set(hop, macs);
    return macs;
  };
  const candidates = [...new Set([0.05, 0.1, 0.2, 0.4].map(hopNear))];
  return candidates.filter((h) => cost(h) < cost(h - 1) && cost(h) < cost(h + 1)).slice(0, 3);
}
