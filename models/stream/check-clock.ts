/**
 * checkClock: whether the inputs share a clock that a stream can run on.
 *
 * In: a Graph.  Out: nothing, or RN203 with the lengths of the windows (models/graph/clock.ts says what a
 * clock is).
 */
import { RunletError } from '../error.ts';
import { clockOf } from '../graph/clock.ts';
import type { Graph } from '../graph/types.ts';
import { maxOf } from '../lists.ts';

/** rn_info numbers no more (docs/abi.md). */
const mostInputs = 6;
/** Most frames that an input may bring a tick, and most units of a tick. */
export const mostRate = 4096;
const mostUnits = 2 ** 24;

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
  // a step of a model with its own state may be one frame
  if (window < 2 && !graph.stateful)
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
