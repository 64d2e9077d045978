/**
 * Which modes a plan may have: the one that is asked for, else those that are exact.
 *
 * In: a Graph and the options.  Out: modes, each with the reason for it, one sentence.
 * Source: StreamiNNC section 1.4 (zero padding against signal padding) and rule R5 (L_a >= RF - P).
 */
import { tickName, ticksOf } from '../graph/clock.ts';
import { isRecurrent } from '../graph/recurrent.ts';
import type { Graph } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { edgesOf, pays } from './edge/edges.ts';
import type { Edge } from './edge/layout.ts';
import { reusingNodes } from './edge/reuse.ts';
import type { Mode } from './modes.ts';
import { strideOf, timingOf } from './timing.ts';
import type { PlanOptions, Timing } from './types.ts';

/**
 * Frames (ticks, where there are several inputs) of earlier signal that the model was trained with (metadata
 * `runlet.left_context`), 0 if it does not say.
 */
export function trainedContext(graph: Graph): number {
  const value = Number(graph.metadata['runlet.left_context'] ?? 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}

/**
 * The modes, each with its reason. Of several all are exact, and equal the windowed model; the first is taken
 * where they cost the same.
 */
export function modesFor(graph: Graph, options: PlanOptions): Map<Mode, string> {
  const only = (mode: Mode, reason: string): Map<Mode, string> => new Map([[mode, reason]]);
  if (graph.stateful) return only('stream', 'the model carries its own state from step to step');
  if (options.mode) return only(options.mode, 'chosen by the user');
  const timing = timingOf(graph);
  const { clock } = viewOf(graph);
  const { lead, lookAhead } = padding(graph, timing);
  const alignment = strideOf(timing.values(), clock);
  const aligned = options.hop % alignment === 0;
  const recurs = graph.nodes.some(isRecurrent);
  if (aligned && lead === 0 && lookAhead === 0 && !recurs) return unpadded(options);
  const trained = trainedContext(graph);
  if (aligned && lookAhead === 0 && trained >= lead && !recurs)
    return only(
      'stream',
      `trained with ${trained} earlier ${tickName(clock)}, of which ${lead} are used: streaming is what it was trained for`,
    );
  const cause = recurs
    ? 'a recurrence begins anew at every window (mode stream carries its state on)'
    : aligned
      ? `time is padded (${lead} ${tickName(clock)} before, ${lookAhead} after) and the model does not say that it was trained with real context`
      : `hop ${options.hop} is not a multiple of the total stride ${alignment}`;
  return new Map([
    ['windowed', `${cause}, and ${wholeReason(graph, options.hop)}`],
    ['edge-exact', `${cause}: rows that touch no window edge are reused, the others computed again`],
  ]);
}

/**
 * edge-exact computes the rows that stream does, and more slowly where it folds: a hop of 64 frames of the
 * bench's N1 takes three times as long on simd. So it is there for limits alone.
 */
function unpadded({ budgetRam, budgetMacs, depth }: PlanOptions): Map<Mode, string> {
  const modes: [Mode, string][] = [
    ['stream', 'no time padding: streaming equals the windowed model'],
    ['windowed', 'no time padding, and rows of earlier windows are not worth the state that they would take'],
  ];
  const isLimited = [budgetRam, budgetMacs, depth].some((limit) => limit !== undefined);
  if (isLimited) modes.push(['edge-exact', 'no time padding, and a limit: edge-exact equals the windowed model']);
  return new Map(modes);
}

/** Most padding before and after the window, in ticks. */
function padding(graph: Graph, timing: Map<number, Timing>): { lead: number; lookAhead: number } {
  const view = viewOf(graph);
  let lead = 0;
  let lookAhead = 0;
  for (const node of graph.nodes) {
    const t = timing.get(node.output);
    if (!t || view.rule(node).kind !== 'window') continue;
    lead = Math.max(lead, t.lead);
    lookAhead = Math.max(lookAhead, t.lookAhead);
  }
  return { lead: ticksOf(lead, view.clock), lookAhead: ticksOf(lookAhead, view.clock) };
}

function wholeReason(graph: Graph, hop: number): string {
  const edges = edgesOf(graph, hop);
  const saves = [...reusingNodes(graph, edges, graph.nodes.length)].some((n) => pays(edges.get(n.output) as Edge));
  return saves
    ? 'rows of earlier windows are not worth the state that they would take'
    : 'no row of a window can be taken from an earlier one';
}
