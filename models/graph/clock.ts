/**
 * The common clock of all inputs.
 *
 * In: a Graph.  Out: Clock: ticks of a window, frames of each input per tick, and the planner's unit of time.
 * A window lasts equally long on every input, so its lengths in frames determine the rates. A tick is the
 * shortest time in which every input has a whole number of frames: a window has W = gcd(lengths) ticks, and
 * input i has r_i = length_i / W frames per tick. Hop, micro-hop, window, delay and warm-up are in ticks. The
 * planner counts in smaller units, because jumps of inputs with different rates need not be multiples of each
 * other: a tick has U = lcm(r_i) units, a frame of input i has U / r_i units. With one input, tick, unit and
 * frame are the same.
 */

import type { Graph } from './types.ts';

export interface Clock {
  /** Number of ticks in a window. */
  window: number;
  /** Number of units in a tick. */
  units: number;
  /** Number of frames per tick, for each graph input. */
  rates: number[];
}

export const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
export const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;

export function clockOf(graph: Graph): Clock {
  const lengths = graph.inputs.map((p) => graph.tensors[p.tensor]?.shape.t ?? 0);
  const window = lengths.reduce(gcd, 0);
  const rates = lengths.map((t) => t / Math.max(1, window));
  return { window, rates, units: rates.reduce(lcm, 1) };
}

/** Returns the name of the unit in which hop, window and delay are counted. */
export const tickName = ({ rates }: Clock): 'frames' | 'ticks' => (rates.length > 1 ? 'ticks' : 'frames');

/** Converts units to ticks, rounded up. */
export const ticksOf = (units: number, clock: Clock): number => Math.ceil(units / clock.units);
