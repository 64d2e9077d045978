/**
 * A plan as a picture: for every tensor, where its rows lie in time at one output and what happens to them
 * there.
 *
 * In: a StreamPlan.  Out: runs of rows on a time axis of input frames whose 0 is the first frame of window n.
 * In the steady state the picture of every output is the same, moved by one hop: only the phase that a window
 * falls on changes.
 */

import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { append } from '../lists.ts';
import type { Stream } from '../stream/edge/layout.ts';
import { historyOf } from '../stream/edge/reuse.ts';
import { hasTrunk } from '../stream/modes.ts';
import { timingOf } from '../stream/timing.ts';
import type { FinishStep, FoldStep, StreamPlan } from '../stream/types.ts';

export type RowKind =
  /** Computed at this output. */
  | 'new'
  /** Computed at this output: they touch the left edge of a window, and are for it alone. */
  | 'left'
  /** Computed at this output: they touch the right edge of window n. */
  | 'right'
  /** Computed at this output, though they may have been before. */
  | 'whole'
  /** Computed before, and kept. */
  | 'held'
  /** Left edge computed ahead, waiting in a queue since. */
  | 'queued'
  /** Computed before, and only in sums or maxima now. */
  | 'folded'
  /** Computed before; nobody needs them any more. */
  | 'past';

export interface Run {
  kind: RowKind;
  /**
   * `window`: rows of window n. `stream`: rows between, that other windows read. `ahead`: for window n +
   * ahead.
   */
  lane: 'window' | 'stream' | 'ahead';
  /** Frame of the first row. */
  at: number;
  /** Rows, frames from one to the next, frames that one is drawn over. */
  rows: number;
  pitch: number;
  width: number;
}

export interface PictureLayer {
  name: string;
  op: string;
  /** Index into the layers, by input. */
  reads: number[];
  rows: number;
  /** Frames between two rows of a window. */
  pitch: number;
  phases: number;
  /**
   * How row f depends on rows of its inputs: f * stride - before + i * dilation, i < kernel; nothing where it
   * reads all.
   */
  taps?: { kernel: number; stride: number; dilation: number; before: number };
  /** Windows by which its left edge is computed ahead. */
  ahead: number;
  /** Rows that cost multiply-accumulates at a hop, where that is less than what is drawn (tap sums). */
  counted?: number;
  /** Rows may be taken from before the window. */
  history: boolean;
  runs: Run[];
  macsPerHop: number;
  macsPerWindow: number;
}

export interface Picture {
  window: number;
  hop: number;
  ahead: number;
  delay: number;
  layers: PictureLayer[];
}

/** Adjacent rows of one kind, joined. */
function joined(
  kindOf: (row: number) => RowKind | undefined,
  first: number,
  last: number,
  run: Omit<Run, 'kind' | 'rows' | 'at'>,
): Run[] {
  const runs: Run[] = [];
  let before: RowKind | undefined;
  for (let row = first; row <= last; row++) {
    const kind = kindOf(row);
    const open = runs.at(-1);
    if (kind && kind === before && open) open.rows++;
    else if (kind) runs.push({ kind, rows: 1, at: row * run.pitch, ...run });
    before = kind;
  }
  return runs;
}

/** What became of rows that were computed before and are not in a buffer. */
type Gone = 'folded' | 'past';

const tapsOf = ({ layout }: StreamPlan, id: number) => [...(layout?.taps ?? [])].find(([node]) => node.output === id)?.[1];

/** Windows by which the left edge of a tensor is computed ahead. */
const aheadOf = (plan: StreamPlan, id: number): number => tapsOf(plan, id)?.completeAhead ?? plan.layout?.choice.ahead ?? 0;

/** edge-exact: rows of window n, the stream between them, the left edge of a later window. */
function edgeRuns(plan: StreamPlan, id: number, at: Stream, gone: Gone): Run[] {
  const { layout } = plan;
  const ahead = aheadOf(plan, id);
  const { waiting = 0, againWaiting = 0 } = tapsOf(plan, id) ?? {};
  const waits = layout?.choice.ahead === 0 && waiting + againWaiting > 0;
  const { rows, left, phases, newest, newRows, window, spliced } = at;
  const computed = at.leftEdge?.computed ?? 0;
  const right = window?.right ?? 0;
  const firstNew = newest - newRows + 1;
  const oldest = firstNew - historyOf(at);
  const streamKind = (row: number): RowKind | undefined => (row >= firstNew ? 'new' : row >= oldest ? 'held' : undefined);
  const interiorRow = (f: number) => f >= left && f < rows - at.right;
  const ofWindow = (f: number): RowKind => {
    if (ahead === 0 && f < computed) return 'left';
    if (interiorRow(f)) return streamKind(f * phases) ?? gone;
    if (f >= rows - right) return 'right';
    if (f < left) return ahead > 0 && (spliced > 0 || waits) ? 'queued' : ahead > 0 && computed > 0 ? gone : 'past';
    return 'past';
  };
  const pitch = at.jump;
  const grid = at.jump / phases;
  const own = (row: number) => row % phases === 0 && interiorRow(row / phases) && !(ahead === 0 && row / phases < computed);
  const runs = joined(ofWindow, 0, rows - 1, { lane: 'window', pitch, width: pitch });
  append(
    runs,
    joined((r) => (own(r) ? undefined : streamKind(r)), oldest, newest, { lane: 'stream', pitch: grid, width: grid }),
  );
  if (ahead > 0 && computed > 0)
    runs.push({ kind: 'left', lane: 'ahead', at: ahead * plan.hop, rows: computed, pitch, width: pitch });
  return runs;
}

/** stream: one run of rows, the newest ones new. */
function streamRuns(plan: StreamPlan, id: number, gone: Gone): Run[] {
  const t = plan.tensors.get(id);
  if (!t) return [];
  const complete = Math.floor((plan.window + plan.delayFrames - t.need) / t.jump);
  const inBuffer = t.historyRows + t.newRows - 1 - t.windowFirstRow;
  const newest = plan.mode === 'approx' ? t.windowRows - 1 : plan.mode === 'misaligned' ? complete : inBuffer;
  const firstNew = Math.ceil(newest - plan.hop / t.jump + 1);
  const oldest = firstNew - t.historyRows;
  const kindOf = (row: number): RowKind => (row >= firstNew ? 'new' : row >= oldest ? 'held' : gone);
  return joined(kindOf, Math.min(0, oldest), newest, { lane: 'window', pitch: t.jump, width: t.jump });
}

/** Partial results: one accumulator a waiting window, or one a hop of the window. */
function foldRuns(plan: StreamPlan, node: Node): Run[] {
  const fold = plan.steps.find((s): s is FoldStep => s.node === node && s.kind === 'fold')?.fold;
  const { hop, window } = plan;
  const result: Run = { kind: 'whole', lane: 'window', at: 0, rows: 1, pitch: window, width: window };
  if (fold) {
    const { method, slots } = fold;
    if (slots === 0) return [];
    const pitch = method === 'ring' ? window / slots : hop;
    const at = method === 'ring' || method === 'slide' ? 0 : hop;
    return [result, { kind: 'folded', lane: 'ahead', at, rows: slots, pitch, width: pitch }];
  }
  const slots = plan.steps.find((s): s is FinishStep => s.node === node && s.kind === 'finish')?.slots ?? 0;
  if (slots === 0) return [];
  const lane = { lane: 'ahead', pitch: hop, width: hop } as const;
  return [
    result,
    { kind: 'folded', at: 0, rows: slots - 1, ...lane },
    { kind: 'new', at: (slots - 1) * hop, rows: 1, ...lane },
  ].filter((r) => r.rows > 0) as Run[];
}

/** Whether all that is left of a tensor's older rows are partial results. */
const isFolded = (plan: StreamPlan, id: number): boolean =>
  viewOf(plan.graph)
    .readers(id)
    .some((n) => foldRuns(plan, n).length > 0);

/** @returns the picture of an output in the steady state. */
export function planPicture(plan: StreamPlan): Picture {
  const { graph, layout, window, hop } = plan;
  const timing = timingOf(graph);
  const [input] = graph.inputs.map((p) => p.tensor) as [number];
  const index = new Map<number, number>([[input, 0], ...graph.nodes.map((n, i) => [n.output, i + 1] as const)]);
  const runsOf = (id: number, rows: number, pitch: number): Run[] => {
    const at = plan.tensors.get(id)?.stream;
    const gone = isFolded(plan, id) ? 'folded' : 'past';
    if (at) return edgeRuns(plan, id, at, gone);
    if (plan.tensors.has(id)) return streamRuns(plan, id, gone);
    return [{ kind: 'whole', lane: 'window', at: 0, rows, pitch, width: pitch }];
  };
  const base = (id: number) => {
    const rows = viewOf(graph).rows(id);
    const jump = timing.get(id)?.jump;
    const pitch = jump && rows > 1 ? jump : window / rows;
    return {
      rows,
      pitch,
      phases: plan.tensors.get(id)?.stream?.phases ?? 1,
      history: plan.tensors.has(id) && hasTrunk(plan.mode),
    };
  };
  const source: PictureLayer = {
    name: graph.inputs[0]?.name ?? 'input',
    op: 'input',
    reads: [],
    ...base(input),
    ahead: 0,
    runs: inputRuns(plan, input),
    macsPerHop: 0,
    macsPerWindow: 0,
  };
  const layers = graph.nodes.map((node): PictureLayer => {
    const own = base(node.output);
    const steps = plan.steps.filter((s) => s.node === node);
    const folds = foldRuns(plan, node);
    return {
      name: node.name,
      op: node.op,
      reads: node.inputs.map((id) => index.get(id) ?? 0),
      ...own,
      ...reachOf(graph, node),
      ahead: aheadOf(plan, node.output),
      ...(layout?.taps.has(node) && { counted: layout.rows.get(node) ?? 0 }),
      runs: folds.length > 0 ? folds : runsOf(node.output, own.rows, own.pitch),
      macsPerHop: steps.reduce((n, s) => n + s.macsPerHop, 0),
      macsPerWindow: steps.reduce((n, s) => n + s.macsPerWindow, 0),
    };
  });
  return { window, hop, ahead: layout?.choice.ahead ?? 0, delay: plan.delayFrames, layers: [source, ...layers] };
}

/**
 * The input's rows are never computed: new ones come in, earlier ones are kept as far as somebody reads them.
 */
function inputRuns(plan: StreamPlan, id: number): Run[] {
  const at = plan.tensors.get(id)?.stream;
  if (at) return edgeRuns(plan, id, at, 'past');
  if (plan.tensors.has(id)) return streamRuns(plan, id, 'past');
  const fresh = Math.min(plan.hop, plan.window);
  const kindOf = (row: number): RowKind => (row >= plan.window - fresh ? 'new' : 'held');
  return joined(kindOf, 0, plan.window - 1, { lane: 'window', pitch: 1, width: 1 });
}

function reachOf(graph: Graph, node: Node): Pick<PictureLayer, 'taps'> {
  const rule = viewOf(graph).rule(node);
  if (rule.kind !== 'window') return {};
  return { taps: { kernel: rule.kernel, stride: rule.stride, dilation: rule.dilation, before: rule.pad[0] } };
}
