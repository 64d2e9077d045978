/**
 * Rows that lie before the signal, where a state goes on.
 *
 * In: a StreamPlan.  Out: how many rows of a trunk tensor the module computes before its row 0, of the zero
 * points that stand before the first frame; and what tensors must hold there. A layer in front of the state
 * reads these rows as padding, and the state would keep them. Elsewhere nobody sees them: they end with the
 * warm-up.
 */
import { RunletError } from '../error.ts';
import { carries } from '../graph/recurrent.ts';
import { isInt16, type Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import type { StreamPlan, TensorLayout } from './types.ts';

/** The first micro-hops end where output 0 falls due, so they begin before frame 0. */
export function rowsBefore({ window, delayFrames, microHop, tensors }: StreamPlan, tensor: number): number {
  const rows = tensors.get(tensor) as TensorLayout;
  const microHops = Math.ceil((window + delayFrames) / microHop);
  return Math.max(0, microHops * rows.newRows - (rows.historyRows + rows.newRows - rows.windowFirstRow));
}

/** What padding holds: the zero point, or the least value of the type. */
export type Padding = 'zero' | 'minimum';

const notCarried = ({ name }: Node, why: string): RunletError =>
  new RunletError('RN209', {
    what: 'no state can go on behind this layer',
    where: name,
    why,
    tryThis: 'mode edge-exact or windowed, in which a recurrence begins anew at every window; or no padding along time there',
  });

/**
 * What trunk tensors hold before their row 0, by tensor id. They are those that a padded layer in front of a
 * state reads.
 * @throws RunletError RN209 where no value there is the layer's padding
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
      if (padWith === 'exclude') throw notCarried(node, 'its averages leave out the padding before the first frame');
      if ((found.get(id) ?? padWith) !== padWith)
        throw notCarried(
          node,
          'it pads with another value than a layer beside it, and both read the rows before the first frame',
        );
      if (padWith === 'minimum' && isInt16(graph.tensors[id]?.quant))
        throw notCarried(node, 'its maxima leave out the padding before the first frame, and its input is int16');
      found.set(id, padWith);
    }
  }
  return found;
}

/** The value of a tensor's rows before row 0. */
export const valueBefore = ({ graph }: Pick<StreamPlan, 'graph'>, tensor: number, padding: Padding | undefined): number =>
  padding === 'minimum' ? -128 : (graph.tensors[tensor]?.quant?.zeroPoint ?? 0);
