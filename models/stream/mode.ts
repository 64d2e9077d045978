/**
 * Which mode: the cheapest that is exact, unless the user says otherwise.
 *
 * In: a Graph and the options.  Out: the mode and the reason, one sentence.
 * Source: StreamiNNC section 1.4 (zero padding against signal padding) and rule R5 (L_a >= RF - P).
 */
import { tickName, ticksOf } from '../graph/clock.ts';
import { isRecurrent } from '../graph/recurrent.ts';
import type { Graph } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { edgesOf, pays } from './edges.ts';
import type { Edge } from './layout.ts';
import { reusingNodes } from './reuse.ts';
import { strideOf, timingOf } from './timing.ts';
import type { Mode, PlanOptions } from './types.ts';

/** Frames (ticks, where there are several inputs) of earlier signal that the model was trained with (metadata `runlet.left_context`), 0 if it does not say. */
export function trainedContext(graph: Graph): number {
  const value = Number(graph.metadata['runlet.left_context'] ?? 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}

export function planMode(graph: Graph, options: PlanOptions): { mode: Mode; reason: string } {
  if (graph.stateful) return { mode: 'stream', reason: 'the model carries its own state from step to step' };
  if (options.mode) return { mode: options.mode, reason: 'chosen by the user' };
  const timing = timingOf(graph);
  const view = viewOf(graph);
  const { clock } = view;
  let lead = 0;
  let lookAhead = 0;
  for (const node of graph.nodes) {
    const t = timing.get(node.output);
    if (!t || view.rule(node).kind !== 'window') continue;
    lead = Math.max(lead, t.lead);
    lookAhead = Math.max(lookAhead, t.lookAhead);
  }
  lead = ticksOf(lead, clock);
  lookAhead = ticksOf(lookAhead, clock);
  const alignment = strideOf(timing.values(), clock);
  const aligned = options.hop % alignment === 0;
  const recurs = graph.nodes.some(isRecurrent);
  if (aligned && lead === 0 && lookAhead === 0 && !recurs)
    return { mode: 'stream', reason: 'no time padding: streaming equals the windowed model' };
  const trained = trainedContext(graph);
  if (aligned && lookAhead === 0 && trained >= lead && !recurs) {
    return {
      mode: 'stream',
      reason: `trained with ${trained} earlier ${tickName(clock)}, of which ${lead} are used: streaming is what it was trained for`,
    };
  }
  const cause = recurs
    ? 'a recurrence begins anew at every window (mode stream carries its state on)'
    : aligned
      ? `time is padded (${lead} ${tickName(clock)} before, ${lookAhead} after) and the model does not say that it was trained with real context`
      : `hop ${options.hop} is not a multiple of the total stride ${alignment}`;
  const edges = edgesOf(graph, options.hop);
  const saves = [...reusingNodes(graph, edges, graph.nodes.length)].some((n) => pays(edges.get(n.output) as Edge));
  if (saves)
    return { mode: 'edge-exact', reason: `${cause}: rows that touch no window edge are reused, the others computed again` };
  return { mode: 'windowed', reason: `${cause}, and no row of a window can be taken from an earlier one` };
}
