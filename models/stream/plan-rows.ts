/**
 * Plans of modes windowed, stream and misaligned: each layer computes its rows as their inputs arrive.
 *
 * In: a draft and its trunk.  Out: the plan. A row is computed as early as possible, or only when an output
 * needs it (due.ts; mode stream). The plan with less state is taken.
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

/** Makes the plan. @throws RunletError RN209 if rows before frame 0 cannot hold what padding holds */
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
  /** Rows that can be computed when output 0 is due. */
  const complete = (id: number) => {
    const t = timing.get(id) as Timing;
    return Math.floor((due - t.need) / t.jump) + 1;
  };
  // up to the first window with all of its left context; in mode misaligned a window may start before n * hop
  const grid = windowGrid(mode, hop, alignment);
  // a model that carries its own state starts at zero points, as its file defines, so output 0 is valid
  const warmUpHops = graph.stateful ? 0 : Math.ceil((Math.ceil(leftContextFrames / grid) * grid) / hop);
  const common = { ...draft, microHop, alignment, delayFrames, leftContextFrames, warmUpHops };
  const planned = (rows: (id: number) => number): StreamPlan => {
    const tensors = buffers(common, nodes, timing, boundary, rows);
    return withSteps({ ...common, tensors }, buildSteps({ ...common, tensors }, nodes, rows));
  };
  const early = planned(complete);
  paddingBeforeStates(early);
  if (mode !== 'stream' || graph.stateful) return early;
  const late = planned(rowsDue(graph, nodes, boundary, complete));
  return late.stateBytes <= early.stateBytes ? late : early;
}

/** Returns the buffers by tensor id. @param rows rows of window 0 that are computed when output 0 is due */
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
    // if outputs may be due between two micro-hops, the newest rows have already moved into the history
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
