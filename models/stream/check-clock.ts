/**
 * checkClock: checks that the inputs share a clock that a stream can run on.
 *
 * In: a Graph. Error: RN203. For clocks, ticks, rates and units see models/graph/clock.ts.
 */
import { RunletError } from '../error.ts';
import { clockOf } from '../graph/clock.ts';
import type { Graph } from '../graph/types.ts';
import { maxOf } from '../lists.ts';

/** Limit of rn_info (docs/abi.md). */
const maxInputs = 6;
/** Upper bounds of an input's frames per tick, and of the units per tick. A choice. */
const maxFramesPerTick = 4096;
const maxUnits = 2 ** 24;

/** @throws RunletError RN203 if there is no input, too many inputs, or no common clock within the limits */
export function checkClock(graph: Graph): void {
  const { window, rates, units } = clockOf(graph);
  if (graph.inputs.length === 1) return;
  const fail = (what: string, why: string, tryThis: string) => {
    throw new RunletError('RN203', { what, where: graph.inputs.map((p) => p.name).join(', '), why, tryThis });
  };
  if (graph.inputs.length === 0) fail('the model has 0 inputs', 'a stream needs at least one', 'a model with an input');
  if (graph.inputs.length > maxInputs)
    fail(
      `the model has ${graph.inputs.length} inputs`,
      `the ABI supports at most ${maxInputs}`,
      'combine signals of equal rate as channels of one input',
    );
  const lengths = graph.inputs.map((p) => graph.tensors[p.tensor]?.shape.t ?? 0).join(' and ');
  const tryThis = 'window lengths that are small multiples of one number, such as 256 and 128';
  // the step of a model that carries its own state may be one frame
  if (window < 2 && !graph.stateful)
    fail(
      `windows of ${lengths} frames have no common clock`,
      `their greatest common divisor is ${window}, so the hop could only be a whole window`,
      tryThis,
    );
  const fastest = maxOf(rates);
  if (fastest > maxFramesPerTick || units > maxUnits)
    fail(
      `windows of ${lengths} frames need a clock of ${window} ticks per window`,
      fastest > maxFramesPerTick
        ? `an input would have ${fastest} frames per tick, more than the limit of ${maxFramesPerTick}`
        : `the rates (${rates.join(', ')} frames per tick) have the least common multiple ${units}, above the limit of ${maxUnits}`,
      tryThis,
    );
}
