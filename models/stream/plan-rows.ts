/**
 * Plans of modes windowed, stream and misaligned: each layer computes its rows as they become complete.
 *
 * In: a draft and its trunk.  Out: the plan. Of the two ways to time the rows, as soon as they are complete
 * or when an output needs them (due.ts), the one with less state is taken.
 */
import { ticksOf } from '../graph/clock.ts';
import type { Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { paddingBeforeStates } from './before.ts';
import { type Draft, type Trunk, withSteps } from './draft.ts';
import { rowsDue } from './due.ts';
import { streamingOf, windowGrid } from './modes.ts';
import { buildSteps } from './steps.ts';
import type { StreamPlan, TensorLayout, Timing } from './types.ts';

/** Modes windowed, stream and misaligned: rows as they become complete. */
export function planRows(draft: Draft, { nodes, timing, boundary, alignment }: Trunk, microHop: number): StreamPlan {
  const { graph, mode, clock, window, hop } = draft;
  const view = viewOf(graph);
  let delay = 0;
  let lead = 0;
  for (const id of boundary) {
    const t = timing.get(id) as Timing;
    delay = Math.max(delay, (view.rows(id) - 1) * t.jump + t.need - window * clock.units);
    lead = Math.max(lead, t.lead);
  }
  const delayFrames = ticksOf(delay, clock);
  const leftContextFrames = ticksOf(lead, clock);
  const due = (window + delayFrames) * clock.units;
  /** Rows complete when output 0 is due. */
  const complete = (id: number) => {
    const t = timing.get(id) as Timing;
    return Math.floor((due - t.need) / t.jump) + 1;
  };
  // the first output whose window has all its context, also where it begins before n * hop
  const grid = windowGrid(mode, hop, alignment);
  // a model with its own state begins on zero points, as its file says
  const warmUpHops = graph.stateful ? 0 : Math.ceil((Math.ceil(leftContextFrames / grid) * grid) / hop);
  const common = { ...draft, microHop, alignment, delayFrames, leftContextFrames, warmUpHops };
  const planned = (rows: (id: number) => number): StreamPlan => {
    const tensors = buffers(common, nodes, timing, boundary, rows);
    return withSteps({ ...common, tensors }, buildSteps({ ...common, tensors }, nodes, rows));
  };
  const early = planned(complete);
  paddingBeforeStates(early); // RN209
  if (mode !== 'stream' || graph.stateful) return early;
  const late = planned(rowsDue(graph, nodes, boundary, complete));
  return late.stateBytes <= early.stateBytes ? late : early;
}

/**
 * The buffer of each trunk tensor; `rows`: how many rows of window 0 are computed when its output falls due.
 */
function buffers(
  { graph, mode, clock, microHop }: Pick<StreamPlan, 'graph' | 'mode' | 'clock' | 'microHop'>,
  trunk: Set<Node>,
  timing: Map<number, Timing>,
  boundary: Set<number>,
  rows: (id: number) => number,
): Map<number, TensorLayout> {
  const view = viewOf(graph);
  const micro = microHop * clock.units;
  const tensors = new Map<number, TensorLayout>();
  for (const [id, t] of timing) {
    const newRows = micro / t.jump;
    const before = rows(id) - newRows;
    let historyRows = 0;
    // where outputs fall due between micro-hops, when the new rows have become history, which must be
    // in the state then
    const unread = streamingOf(mode).outputClock ? 0 : newRows;
    if (boundary.has(id)) historyRows = Math.max(historyRows, rows(id) - unread, newRows - unread);
    for (const node of view.readers(id)) {
      const rule = view.rule(node);
      if (!trunk.has(node) || rule.kind !== 'window') continue;
      const outBefore = rows(node.output) - micro / (timing.get(node.output) as Timing).jump;
      historyRows = Math.max(historyRows, before - (outBefore * rule.stride - rule.pad[0]));
    }
    const windowFirstRow = unread + historyRows - rows(id);
    tensors.set(id, { ...t, tensor: id, windowRows: view.rows(id), newRows, historyRows, windowFirstRow, rowStep: 1 });
  }
  return tensors;
}
