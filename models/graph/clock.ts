/**
 * The clock that all inputs share.
 *
 * In: a Graph.  Out: Clock: ticks of a window, frames that each input brings a tick, and the planner's unit
 * of time. A window lasts equally long on every input, so its lengths in frames say the rates. A tick is the
 * longest time in which every input brings whole frames: a window is W = gcd(lengths) ticks, and input i
 * brings r_i = length_i / W frames a tick. Hop, micro-hop, window, delay and warm-up count ticks. Jumps of
 * inputs of different rates are no multiples of each other, so the planner counts units: U = lcm(r_i) make a
 * tick, and a frame of input i lasts U / r_i of them. With one input a tick, a unit and a frame are the same.
 */

import type { Graph } from './types.ts';

export interface Clock {
  /** Ticks of a window. */
  window: number;
  /** Units of time of a tick. */
  units: number;
  /** Frames a tick, by graph input. */
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

/** What hop, window and delay count, in words. */
export const tickName = ({ rates }: Clock): 'frames' | 'ticks' => (rates.length > 1 ? 'ticks' : 'frames');

/** Time in units, in whole ticks that hold it. */
export const ticksOf = (units: number, clock: Clock): number => Math.ceil(units / clock.units);
