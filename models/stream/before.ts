/**
 * Rows before frame 0, for networks that carry states from hop to hop.
 *
 * In: a StreamPlan.  Out: how many rows of a trunk tensor the module computes before row 0, and the value
 * that they must hold. The first micro-hops begin before frame 0, where the input holds zero points. A padded
 * layer in front of a carried state reads the rows there as its padding, and the state remembers them.
 * Without such a state the rows affect only outputs of the warm-up, which are not reported. Error: RN209.
 */
import { RunletError } from '../error.ts';
import { carries } from '../graph/recurrent.ts';
import { isInt16, type Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import type { StreamPlan, TensorLayout } from './types.ts';

/** Returns the number of rows computed before row 0: a micro-hop must end exactly where output 0 is due. */
export function rowsBefore({ window, delayFrames, microHop, tensors }: StreamPlan, tensor: number): number {
  const rows = tensors.get(tensor) as TensorLayout;
  const microHops = Math.ceil((window + delayFrames) / microHop);
  return Math.max(0, microHops * rows.newRows - (rows.historyRows + rows.newRows - rows.windowFirstRow));
}

/** The value that padding holds: the zero point, or the minimum of the type. */
export type Padding = 'zero' | 'minimum';

const notCarried = ({ name }: Node, why: string): RunletError =>
  new RunletError('RN209', {
    what: 'a state behind this layer cannot be carried from hop to hop',
    where: name,
    why,
    tryThis: 'mode edge-exact or windowed, which start the state anew at every window; or no time padding in this layer',
  });

/**
 * Returns what trunk tensors hold before row 0, by tensor id. Only tensors that a padded layer in front of a
 * carried state reads are listed.
 * @throws RunletError RN209 if no value has the effect of the layer's padding
 */
export function paddingBeforeStates({ graph, steps }: Pick<StreamPlan, 'graph' | 'steps'>): Map<number, Padding> {
  const view = viewOf(graph);
  const found = new Map<number, Padding>();
  const leads = new Set<number>();
  const trunk = steps.filter(({ section, kind }) => section === 'trunk' && kind === 'run');
  for (const { node, output } of trunk.reverse()) {
    if (!carries(node) && !leads.has(output)) continue;
    const rule = view.rule(node);
    for (const id of node.inputs) {
      leads.add(id);
      if (rule.kind !== 'window' || rule.pad[0] <= 0) continue;
      const { padWith } = rule;
      if (padWith === 'exclude')
        throw notCarried(node, 'its averages do not count padding, but would count the rows before the first frame');
      if ((found.get(id) ?? padWith) !== padWith)
        throw notCarried(
          node,
          'it and another layer pad the same input with different values, but the rows before the first frame can hold only one',
        );
      if (padWith === 'minimum' && isInt16(graph.tensors[id]?.quant))
        throw notCarried(
          node,
          'its maxima ignore padding; rows before the first frame can imitate that in int8, but its input is int16',
        );
      found.set(id, padWith);
    }
  }
  return found;
}

/** Returns the value of a tensor's elements before row 0. */
export const valueBefore = ({ graph }: Pick<StreamPlan, 'graph'>, tensor: number, padding: Padding | undefined): number =>
  padding === 'minimum' ? -128 : (graph.tensors[tensor]?.quant?.zeroPoint ?? 0);
