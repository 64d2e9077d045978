/**
 * Rows that lie before the signal, where a state goes on.
 *
 * In: a StreamPlan.  Out: how many rows of a trunk tensor the module computes before its row 0, of the zero
 * points that stand before the first frame; and which tensors must show them as padding, because what a state
 * takes in it keeps. Elsewhere nobody sees them: they end with the warm-up.
 */
import { isRecurrent } from '../graph/recurrent.ts';
import { viewOf } from '../graph/view.ts';
import type { StreamPlan, TensorPlan } from './types.ts';

/** The first micro-hops end where output 0 falls due, so they begin before frame 0. */
export function rowsBefore({ window, delayFrames, microHop, tensors }: StreamPlan, tensor: number): number {
  const rows = tensors.get(tensor) as TensorPlan;
  const microHops = Math.ceil((window + delayFrames) / microHop);
  return Math.max(0, microHops * rows.newRows - (rows.historyRows + rows.newRows - rows.windowFirstRow));
}

/** Tensors whose rows before row 0 are read as padding by a layer in front of a state that goes on. */
export function paddedBeforeStates(plan: StreamPlan): Set<number> {
  const { graph, steps } = plan;
  const view = viewOf(graph);
  const leads = new Set<number>();
  for (const node of [...graph.nodes].reverse()) {
    const carries = isRecurrent(node) && node.attrs.carry === true;
    if (carries || leads.has(node.output)) for (const id of node.inputs) leads.add(id);
  }
  const found = new Set<number>();
  for (const { section, kind, node, output } of steps) {
    const rule = view.rule(node);
    if (section !== 'trunk' || kind !== 'run' || rule.kind !== 'window' || rule.pad[0] <= 0 || !leads.has(output)) continue;
    for (const id of node.inputs) if (view.producer(id) && rowsBefore(plan, id) > 0) found.add(id);
  }
  return found;
}
