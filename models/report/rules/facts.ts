/**
 * Numbers that several rules need, computed once per plan.
 *
 * In: a StreamPlan.  Out: Facts.  They include the timing of every layer that slides along time, also if the
 * mode does not stream it.
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
  /** Layers with several rows that slide along time over streamed inputs of one rate, in order. */
  layers: Layer[];
  timing: Map<number, Timing>;
  /** P: the total stride in ticks, of the trunk if the mode has one. */
  stride: number;
  /** Hop in units, as the timing of the layers (with one input a unit is a frame). */
  hopUnits: number;
  /** Total left padding, total right padding, and receptive field of the deepest layer, in ticks. */
  lead: number;
  lookAhead: number;
  receptiveField: number;
  /** L_a: number of earlier frames in training, from the file's metadata. */
  trained: number;
  /** True if the mode keeps history or sub-embeddings instead of padding. */
  trunk: boolean;
  /** True if the model was trained with real signal on the left and has no padding on the right. */
  retrained: boolean;
  /** Multiply-accumulates per output of the layers that every mode computes whole. */
  headMacs: number;
  /** Returns a duration such as ` (82 ms)`; empty if the rate is unknown. */
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
  // a layer with one row ends the time axis, like a dense layer over the window
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
/** Returns a share as a percentage with two digits, as in the paper. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
export const plural = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? '' : 's'}`;

/** Returns the multiples of `stride` around a hop that is not a multiple. */
export function nearest(hop: number, stride: number): number[] {
  const below = Math.floor(hop / stride) * stride;
  return [below, below + stride].filter((h) => h > 0);
}
