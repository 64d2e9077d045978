/**
 * The default hop: about a tenth of the window.
 *
 * In: a Graph, and the mode if the user gave one.  Out: a hop in ticks, with the reason; and hops that are
 * cheaper than their neighbours. Among the hops near a tenth, the default is the one that shares the largest
 * factor with the total stride, so that few phases are kept (StreamiNNC rule R2). It needs no plan.
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
  /** The reason, as text for the user. */
  why: string;
}

/**
 * Returns the hop from 0.7 to 1.4 times `near` that shares the largest factor with the stride. Ties go to the
 * hop nearest to `near`.
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

/** Returns the multiple of the total stride nearest to `near`: mode `stream` accepts no other hop. */
function multipleOf(near: number, stride: number, window: number): number {
  const largest = Math.max(1, Math.floor(window / stride));
  return stride * Math.min(largest, Math.max(1, Math.round(near / stride)));
}

interface Near {
  window: number;
  /** Returns the hop for a share of the window. */
  hopNear: (share: number) => number;
}

function nearOf(graph: Graph, { mode }: Omit<PlanOptions, 'hop'>): Near {
  const { window } = viewOf(graph).clock;
  const stride = totalStride(graph);
  const round = mode === 'stream' ? multipleOf : roundHop;
  return { window, hopNear: (share) => round(share * window, stride, window) };
}

/** Returns the default hop. A model that carries its own state has only one: its step. */
export function defaultHop(graph: Graph, options: Omit<PlanOptions, 'hop'> = {}): DefaultHop {
  const { clock } = viewOf(graph);
  const { window } = clock;
  if (graph.stateful) return { hop: window, why: 'the model carries its own state and gives one output per step' };
  if (window === 1) return { hop: 1, why: 'the window is one frame' };
  const hop = nearOf(graph, options).hopNear(0.1);
  return { hop, why: `no hop was given, so it is about a tenth of the window (${window} ${tickName(clock)})` };
}

/**
 * Returns up to three hops, ascending, each with less work per tick than the hops one smaller and one larger.
 * Cost: at most 12 plans.
 */
export function cheaperHops(graph: Graph, options: Omit<PlanOptions, 'hop'> = {}): number[] {
  if (graph.stateful || viewOf(graph).clock.window === 1) return [];
  const { window, hopNear } = nearOf(graph, options);
  const costs = new Map<number, number>();
  /** Work per tick; infinite if there is no plan at this hop. */
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
