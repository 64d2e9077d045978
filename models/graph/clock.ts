/**
 * The clock that all inputs share.
 *
 * In: a Graph.  Out: Clock: ticks of a window, frames that each input brings a tick, and the planner's unit of time.
 * A window lasts equally long on every input, so its lengths in frames say the rates. A tick is the longest time in which every input brings
 * whole frames: a window is W = gcd(lengths) ticks, and input i brings r_i = length_i / W frames a tick. Hop, micro-hop, window, delay and
 * warm-up count ticks. Jumps of inputs of different rates are no multiples of each other, so the planner counts units: U = lcm(r_i) make a
 * tick, and a frame of input i lasts U / r_i of them. With one input a tick, a unit and a frame are the same.
 */

import { RunletError } from '../error.ts';
import { maxOf } from '../lists.ts';
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

/** rn_info numbers no more (docs/abi.md). */
const mostInputs = 6;
/** Most frames that an input may bring a tick, and most units of a tick. */
export const mostRate = 4096;
const mostUnits = 2 ** 24;

export function clockOf(graph: Graph): Clock {
  const lengths = graph.inputs.map((p) => graph.tensors[p.tensor]?.shape.t ?? 0);
  const window = lengths.reduce(gcd, 0);
  const rates = lengths.map((t) => t / Math.max(1, window));
  return { window, rates, units: rates.reduce(lcm, 1) };
}

/** @throws RunletError RN203 where the inputs have no clock in common that a stream could run on */
export function checkClock(graph: Graph): void {
  const { window, rates, units } = clockOf(graph);
  if (graph.inputs.length === 1) return;
  const fail = (what: string, why: string, tryThis: string) => {
    throw new RunletError('RN203', { what, where: graph.inputs.map((p) => p.name).join(', '), why, tryThis });
  };
  if (graph.inputs.length === 0) fail('the model has 0 inputs', 'a stream needs one', 'a model with an input');
  if (graph.inputs.length > mostInputs)
    fail(
      `the model has ${graph.inputs.length} inputs`,
      `the ABI has room for ${mostInputs}`,
      'join signals of one rate into channels of one input',
    );
  const lengths = graph.inputs.map((p) => graph.tensors[p.tensor]?.shape.t ?? 0).join(' and ');
  const other =
    'windows of the same length in time on every input: lengths that are small multiples of one number, as 256 and 128';
  if (window < 2)
    fail(
      `windows of ${lengths} frames have no common clock`,
      `${window} divides all of them: the hop could only be a whole window`,
      other,
    );
  const fastest = maxOf(rates);
  if (fastest > mostRate || units > mostUnits)
    fail(
      `windows of ${lengths} frames need a clock of ${window} ticks a window`,
      fastest > mostRate
        ? `an input would bring ${fastest} frames a tick, and ${mostRate} is the most`
        : `the rates of ${rates.join(', ')} frames a tick have ${units} as their least common multiple, and ${mostUnits} is the most`,
      other,
    );
}

/** What hop, window and delay count, in words. */
export const tickName = ({ rates }: Clock): 'frames' | 'ticks' => (rates.length > 1 ? 'ticks' : 'frames');

/** Time in units, in whole ticks that hold it. */
export const ticksOf = (units: number, clock: Clock): number => Math.ceil(units / clock.units);
