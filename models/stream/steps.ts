/**
 * The steps of a plan: what runs, over which rows, at which cost. (Mode edge-exact: edge/plan.ts.)
 *
 * In: the trunk and its buffers.  Out: trunk steps, fold steps and head steps, each in execution order.
 * MACs per hop are output rows per hop times MACs per row. State is counted at the step that needs it.
 */

import { carriedTensors } from '../graph/recurrent.ts';
import type { Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { minOf } from '../lists.ts';
import { opOfNode } from '../ops/index.ts';
import type { StreamRule } from '../ops/op.ts';
import { partialBytes, streamFold } from './fold.ts';
import { streamingOf } from './modes.ts';
import type { CopyStep, Step, StepInput, StreamPlan, TensorLayout, Timing } from './types.ts';

type Draft = Pick<StreamPlan, 'graph' | 'mode' | 'clock' | 'window' | 'hop' | 'microHop' | 'tensors'>;

/** Returns the rows of an input's buffer that a trunk step reads. */
function trunkInput(draft: Draft, node: Node, id: number, complete: (id: number) => number): StepInput {
  const plan = draft.tensors.get(id) as TensorLayout;
  const rule = viewOf(draft.graph).rule(node);
  if (rule.kind !== 'window' || streamingOf(draft.mode).padsHops)
    return { tensor: id, firstRow: plan.historyRows, rows: plan.newRows };
  const out = draft.tensors.get(node.output) as TensorLayout;
  const first = (complete(node.output) - out.newRows) * rule.stride - rule.pad[0];
  const oldest = complete(id) - plan.newRows - plan.historyRows;
  return { tensor: id, firstRow: first - oldest, rows: (out.newRows - 1) * rule.stride + (rule.kernel - 1) * rule.dilation + 1 };
}

const headInput = (draft: Draft, id: number): StepInput => ({
  tensor: id,
  firstRow: draft.tensors.get(id)?.windowFirstRow ?? 0,
  rows: viewOf(draft.graph).rows(id),
});

/**
 * Returns the input of a fold if the fold can take its rows as they arrive. For this, exactly the rows of the
 * window must be complete when an output is due.
 */
function foldedTensor(draft: Draft, node: Node, complete: (id: number) => number): TensorLayout | undefined {
  const [id] = node.inputs as [number];
  const plan = draft.tensors.get(id);
  const streaming = streamingOf(draft.mode);
  // partial results start empty, but a model that carries its own state starts with rows of zero points
  const follows =
    !draft.graph.stateful && streaming.hasTrunk && !streaming.outputClock && viewOf(draft.graph).rule(node).kind === 'fold';
  return plan && follows && complete(id) === plan.windowRows ? plan : undefined;
}

/**
 * Returns the number of partial results, one per hop of the window. They are used with micro-hops, which
 * never hold the rows of a hop at once. Returns undefined if the window is not a whole number of hops, or if
 * the rows need no more bytes.
 */
function foldSlots(draft: Draft, node: Node, plan: TensorLayout, rule: StreamRule): number | undefined {
  if (draft.microHop === draft.hop) return undefined;
  const slots = (plan.windowRows * plan.jump) / (draft.hop * draft.clock.units);
  if (!Number.isInteger(slots)) return undefined;
  const bytes = slots * partialBytes(draft.graph, node.output, rule);
  return bytes < plan.windowRows * viewOf(draft.graph).frameBytes(plan.tensor) ? slots : undefined;
}

/** Returns the step that copies a graph output from the rows of a trunk tensor. */
export const copyStep = (node: Node, input: StepInput, exact: boolean): CopyStep => ({
  kind: 'copy',
  section: 'head',
  node,
  inputs: [input],
  output: input.tensor,
  outRows: input.rows,
  rule: { kind: 'whole' },
  macsPerHop: 0,
  macsPerWindow: 0,
  stateBytes: 0,
  exact,
});

/** Makes the steps. @param complete rows of a tensor that are computed when output 0 is due */
export function buildSteps(draft: Draft, trunk: Set<Node>, complete: (id: number) => number): Step[] {
  const { graph } = draft;
  const view = viewOf(graph);
  const trunkSteps: Step[] = [];
  const foldSteps: Step[] = [];
  const headSteps: Step[] = [];
  const carried = carriedTensors(graph);
  const heads = new Map<Node, boolean>();
  for (const node of graph.nodes) {
    const rule = view.rule(node);
    const macs = view.macsPerRow(node);
    const rows = view.rows(node.output);
    const macsPerWindow = macs * rows;
    const common = { node, output: node.output, macsPerWindow, stateBytes: 0 };
    const timing = draft.tensors.get(node.output) as Timing | undefined;
    if (trunk.has(node) && rule.kind === 'window') {
      const outRows = draft.tensors.get(node.output)?.newRows ?? 0;
      trunkSteps.push({
        ...common,
        stateBytes: opOfNode(node).stateBytes?.(node.attrs) ?? 0,
        kind: 'run',
        section: 'trunk',
        inputs: node.inputs.map((id) => trunkInput(draft, node, id, complete)),
        outRows,
        rule: streamingOf(draft.mode).padsHops ? rule : { ...rule, pad: [0, 0] },
        macsPerHop: (macs * draft.hop * draft.clock.units) / (timing?.jump ?? 1),
        exact: graph.stateful === true || (!carried.has(node.output) && timing?.lead === 0 && timing.lookAhead === 0),
      });
      continue;
    }
    const exact = headIsExact(draft, node, carried, heads);
    const folded = foldedTensor(draft, node, complete);
    if (folded && rule.kind === 'fold') {
      const inputs = [{ tensor: folded.tensor, firstRow: folded.historyRows, rows: folded.newRows }];
      const shared = { ...common, rule, exact, macsPerHop: 0 };
      const slots = foldSlots(draft, node, folded, rule);
      if (slots !== undefined) {
        const stateBytes = slots * partialBytes(graph, node.output, rule);
        const add = { ...shared, inputs, outRows: 0, macsPerWindow: 0, stateBytes, slots };
        trunkSteps.push({ ...add, kind: 'accumulate', section: 'trunk' });
        headSteps.push({ ...shared, kind: 'finish', section: 'head', inputs: [], outRows: 1, slots });
        continue;
      }
      const fold = draft.microHop === draft.hop ? streamFold(graph, node, folded) : undefined;
      if (fold) {
        foldSteps.push({ ...shared, kind: 'fold', section: 'edge', inputs, outRows: 1, stateBytes: fold.stateBytes, fold });
        continue;
      }
    }
    const inputs = node.inputs.map((id) => headInput(draft, id));
    const stateBytes = graph.stateful ? (opOfNode(node).stateBytes?.(node.attrs) ?? 0) : 0;
    const run = { kind: 'run', section: 'head', inputs, outRows: rows, rule, macsPerHop: macsPerWindow, exact } as const;
    headSteps.push({ ...common, ...run, stateBytes });
  }
  for (const port of graph.outputs) {
    if (!draft.tensors.has(port.tensor)) continue;
    const node = view.producer(port.tensor);
    if (!node) continue;
    headSteps.push(copyStep(node, headInput(draft, port.tensor), headIsExact(draft, node, carried, heads)));
  }
  dropUnusedRings(draft, [...trunkSteps, ...foldSteps], headSteps);
  const steps = [...trunkSteps, ...foldSteps, ...headSteps];
  countHistory(draft, steps);
  return steps;
}

/** Checks whether all that a head step reads is exact. @param known cache of results by node */
function headIsExact(draft: Draft, node: Node, carried: ReadonlySet<number>, known: Map<Node, boolean>): boolean {
  if (draft.graph.stateful) return true;
  const found = known.get(node);
  if (found !== undefined) return found;
  const exact =
    !carried.has(node.output) &&
    [...node.inputs, node.output].every((id) => {
      const t = draft.tensors.get(id);
      if (t) return t.lead === 0 && t.lookAhead === 0;
      const producer = viewOf(draft.graph).producer(id);
      return !producer || producer === node || headIsExact(draft, producer, carried, known);
    });
  known.set(node, exact);
  return exact;
}

/**
 * Shrinks the history of tensors that no head step reads (only partial results read their window) to the rows
 * that other steps read.
 */
function dropUnusedRings(draft: Draft, trunkSteps: Step[], headSteps: Step[]): void {
  for (const [id, plan] of draft.tensors) {
    if (headSteps.some((s) => s.inputs.some((i) => i.tensor === id))) continue;
    const readers = trunkSteps.flatMap((s) => s.inputs.filter((i) => i.tensor === id));
    const oldest = Math.min(plan.historyRows, minOf(readers.map((r) => r.firstRow)));
    for (const reader of readers) reader.firstRow -= oldest;
    draft.tensors.set(id, { ...plan, historyRows: plan.historyRows - oldest, windowFirstRow: plan.windowFirstRow - oldest });
  }
}

/** Adds the history bytes of each tensor once, to the step that reads the oldest row. */
function countHistory(draft: Draft, steps: Step[]): void {
  for (const [id, plan] of draft.tensors) {
    const readers = steps.filter((s) => s.inputs.some((i) => i.tensor === id));
    const reach = (s: Step) => minOf(s.inputs.filter((i) => i.tensor === id).map((i) => i.firstRow));
    const furthest = readers.reduce<Step | undefined>((best, s) => (!best || reach(s) < reach(best) ? s : best), undefined);
    if (furthest) furthest.stateBytes += plan.historyRows * viewOf(draft.graph).frameBytes(id);
  }
}
