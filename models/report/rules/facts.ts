/**
 * The numbers that several rules need, computed once a plan.
 *
 * In: a StreamPlan.  Out: Facts.  Timing here is of every layer that slides along time, whether this mode
 * streams it or not.
 */

import { ticksOf } from '../../graph/clock.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { maxOf } from '../../lists.ts';
import { trainedContext } from '../../stream/allowed-modes.ts';
import { hasTrunk } from '../../stream/modes.ts';
import { strideOf, timingOf, type WindowRule } from '../../stream/timing.ts';
import type { StreamPlan, Timing } from '../../stream/types.ts';

export interface Layer {
  node: Node;
  rule: WindowRule;
  timing: Timing;
  rows: number;
}

export interface Facts {
  plan: StreamPlan;
  graph: Graph;
  /**
   * Layers that slide along time over streamed inputs of one rate, in order; without those that have a single
   * row.
   */
  layers: Layer[];
  timing: Map<number, Timing>;
  /** P: the total stride in ticks, of the trunk where the mode has one. */
  stride: number;
  /** The hop in units, in which the layers' timing is (with one input a unit is a frame). */
  hopUnits: number;
  /** Frames that left paddings, right paddings stand for; what one row of the deepest layer depends on. */
  lead: number;
  lookAhead: number;
  receptiveField: number;
  /** L_a that the file says it was trained with. */
  trained: number;
  /** The mode keeps history or sub-embeddings in place of padding. */
  trunk: boolean;
  /** Trained with the context that streaming gives: real signal on the left, nothing padded on the right. */
  retrained: boolean;
  /** Multiply-accumulates per window of what is computed whole at every output in any mode. */
  headMacs: number;
  /** ` (82 ms)`, or nothing where the rate is unknown. */
  time: (frames: number) => string;
  rateHz: number | undefined;
}

export function factsOf(plan: StreamPlan): Facts {
  const { graph, clock } = plan;
  const view = viewOf(graph);
  const timing = timingOf(graph);
  const timed = graph.nodes.flatMap((node) => {
    const t = timing.get(node.output);
    return t ? [{ node, rule: view.rule(node) as WindowRule, timing: t, rows: view.rows(node.output) }] : [];
  });
  // a layer with one row ends time, like a dense layer over the window
  const several = timed.filter((l) => l.rows > 1);
  const layers = several.length > 0 ? several : timed;
  const ticks = (of: (l: Layer) => number, all = timed) => ticksOf(Math.max(0, maxOf(all.map(of))), clock);
  const lead = ticks((l) => l.timing.lead);
  const lookAhead = ticks((l) => l.timing.lookAhead);
  const trained = trainedContext(graph);
  const trunk = hasTrunk(plan.mode);
  const sliding = new Set(layers.map((l) => l.node));
  const whole = graph.nodes.filter((n) => !sliding.has(n));
  const rate = Number(graph.metadata['runlet.sample_rate_hz']);
  return {
    plan,
    graph,
    layers,
    timing,
    stride: trunk
      ? plan.alignment
      : strideOf(
          layers.map((l) => l.timing),
          clock,
        ),
    hopUnits: plan.hop * clock.units,
    lead,
    lookAhead,
    receptiveField: Math.max(
      1,
      ticks((l) => l.timing.receptiveField, layers),
    ),
    trained,
    trunk,
    retrained: trained >= lead && lookAhead === 0,
    headMacs: trunk ? plan.headShare * plan.macsPerHop : whole.reduce((sum, n) => sum + view.macsPerWindow(n), 0),
    time: (frames) => (rate > 0 ? ` (${((1000 * frames) / rate).toFixed(0)} ms)` : ''),
    rateHz: rate > 0 ? rate : undefined,
  };
}

export const count = (n: number): string => Math.round(n).toLocaleString('en');
/** A share of 1, in per cent as the paper prints it. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
export const plural = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? '' : 's'}`;

/** The multiples of `stride` around a hop that is none. */
export function nearest(hop: number, stride: number): number[] {
  const below = Math.floor(hop / stride) * stride;
  return [below, below + stride].filter((h) => h > 0);
}
