/**
 * Checks that a model fits a slot of a gateway before any work begins.
 *
 * In: a graph, its hop, the signal of the slot.  Out: nothing.
 * Errors: RN797, which names what differs. The gateway itself checks the bundle again when it arrives, and
 * its memory (RN820).
 */
import { RunletError } from '../../models/error.ts';
import { clockOf } from '../../models/graph/clock.ts';
import { elementsOf, frameOf, type Graph, isQuantised } from '../../models/graph/types.ts';
import { printable } from '../../models/printable.ts';
import type { SlotStatus } from '../gateway/gateway.ts';
import type { manifestFields } from './load.ts';

type Signal = NonNullable<SlotStatus['signal']>;
type Fields = Pick<ReturnType<typeof manifestFields>, 'labels' | 'sampleRateHz'>;

export const unfit = (what: string, where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN797', { what, where, why, tryThis });

/** Checks that the model can be quantised on windows of a slot. @throws RN797 */
export function checkFloat(graph: Graph): void {
  if (isQuantised(graph))
    throw unfit('this model is already int8', graph.name, 'its ranges are fixed', 'give the float model that it was made from');
  if (graph.inputs.length > 1)
    throw unfit(
      `this model has ${graph.inputs.length} inputs`,
      graph.name,
      'windows of one input only can be calibrated with',
      'runlet collect pull, then runlet quantize --calib with an array per input',
    );
}

/** Checks that a model takes the signal of a slot and answers in the same form. @throws RN797 */
export function checkSlot(graph: Graph, hop: number, fields: Fields, slot: string, signal: Signal): void {
  const shapeOf = (tensor: number) => graph.tensors[tensor]?.shape ?? { t: 0, f: 0, c: 0 };
  const { window, rates } = clockOf(graph);
  const list = (labels?: readonly string[]) => (labels ? printable(labels.join(', ')) : 'none');
  for (const [what, mine, theirs] of [
    [
      'frames of the input',
      graph.inputs.map(({ hostType, tensor }, i) => `${rates[i]} x ${frameOf(shapeOf(tensor))} ${hostType}`).join(', '),
      signal.inputs.map(({ rate, elements, hostType }) => `${rate} x ${elements} ${hostType}`).join(', '),
    ],
    ['frames a window', window, signal.window],
    ['frames a hop', hop, signal.hop],
    ['frames a second', fields.sampleRateHz ?? 'unknown', signal.sampleRateHz ?? 'unknown'],
    [
      'values of the outputs',
      graph.outputs.map(({ tensor }) => elementsOf(shapeOf(tensor))).join(', '),
      signal.outputs.map(({ elements }) => elements).join(', '),
    ],
    ['labels', list(fields.labels), list(signal.labels)],
  ] as const)
    if (mine !== theirs)
      throw unfit(
        `the model does not fit slot ${slot}: ${what}`,
        graph.name,
        `the model has ${mine}, and the bundle that runs there has ${theirs}`,
        'give the model that the running bundle was made from, or another --slot',
      );
}
