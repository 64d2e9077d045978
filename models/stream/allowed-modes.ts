/**
 * Which modes the planner considers: the mode that the user chose, else the exact ones.
 *
 * In: a Graph and plan options.  Out: modes, each with its reason in one sentence.
 * Source: StreamiNNC section 1.4 (zero padding against signal padding) and rule R5 (L_a >= RF - P).
 */
import { tickName, ticksOf } from '../graph/clock.ts';
import { isRecurrent } from '../graph/recurrent.ts';
import type { Graph } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import type { StreamRule } from '../ops/op.ts';
import { edgesOf, savesRows } from './edge/edges.ts';
import type { Edge } from './edge/layout.ts';
import { reusingNodes } from './edge/reuse.ts';
import type { Mode } from './modes.ts';
import { strideOf, timingOf } from './timing.ts';
import type { PlanOptions, Timing } from './types.ts';

/**
 * Returns the number of earlier ticks that the model saw before each window in training (metadata
 * `runlet.left_context`). Default: 0.
 */
export function trainedContext(graph: Graph): number {
  const value = Number(graph.metadata['runlet.left_context'] ?? 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}

/**
 * Returns the modes, each with its reason. If there are several, all equal the windowed model. If two cost
 * the same, the first one is chosen.
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
  if (aligned && lead === 0 && lookAhead === 0 && !recurs) return unpadded(graph, options);
  const trained = trainedContext(graph);
  if (aligned && lookAhead === 0 && trained >= lead && !recurs)
    return only(
      'stream',
      `trained with ${trained} earlier ${tickName(clock)}, of which ${lead} are used: streaming is what it was trained for`,
    );
  const cause = recurs
    ? 'a recurrence starts anew at every window (mode stream would carry its state from hop to hop)'
    : aligned
      ? `time is padded (${lead} ${tickName(clock)} before, ${lookAhead} after) and the model does not say that it was trained with real context`
      : `hop ${options.hop} is not a multiple of the total stride ${alignment}`;
  return new Map([
    ['windowed', `${cause}, and ${wholeReason(graph, options.hop)}`],
    ['edge-exact', `${cause}: rows that touch no window edge are reused, the others computed again`],
  ]);
}

/**
 * Returns the modes for a model that does not pad time. edge-exact computes the same rows as stream, but its
 * folds are slower: network N1 of the benchmark takes three times as long (hop 64, target simd). So
 * edge-exact is offered only if the user sets a limit, or if pools read parts of the window, which stream
 * computes from all rows of each part.
 */
function unpadded(graph: Graph, { budgetRam, budgetMacs, depth }: PlanOptions): Map<Mode, string> {
  const modes: [Mode, string][] = [
    ['stream', 'no time padding: streaming equals the windowed model'],
    ['windowed', 'no time padding, but reusing rows of earlier windows saves too little work for the state that it needs'],
  ];
  const isLimited = [budgetRam, budgetMacs, depth].some((limit) => limit !== undefined);
  if (isLimited)
    modes.push(['edge-exact', 'no time padding, and a budget or a depth is set: edge-exact equals the windowed model']);
  else if (graph.nodes.some((node) => readsPart(viewOf(graph).rule(node))))
    modes.push(['edge-exact', 'no time padding, and pools read parts of the window: edge-exact keeps their sums or maxima']);
  return new Map(modes);
}

/** Whether a pool reads a part of the rows of its input. */
const readsPart = (rule: StreamRule): boolean =>
  rule.kind === 'window' && rule.reduces !== undefined && rule.pad.some((rows) => rows < 0);

/** Returns the largest left context and look-ahead of all layers, in ticks. */
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

/** Returns why every window is computed whole. */
function wholeReason(graph: Graph, hop: number): string {
  const edges = edgesOf(graph, hop);
  const canSave = [...reusingNodes(graph, edges, graph.nodes.length)].some((n) => savesRows(edges.get(n.output) as Edge));
  return canSave
    ? 'reusing rows of earlier windows saves too little work for the state that it needs'
    : 'no row can be reused from an earlier window';
}
