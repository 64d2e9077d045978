/**
 * Picture of a plan: for every tensor, the position of its rows in time at one output, and their state.
 *
 * In: a StreamPlan.  Out: runs of rows on a time axis in input frames; 0 is the first frame of window n. In
 * the steady state the pictures of all outputs are equal, shifted by one hop; only the phase of the window
 * differs.
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
  /** Computed at this output; touch the left edge of a window, and only this window uses them. */
  | 'left'
  /** Computed at this output; touch the right edge of window n. */
  | 'right'
  /** Computed at this output, possibly not for the first time. */
  | 'whole'
  /** Computed before, and held in a buffer. */
  | 'held'
  /** Left edge that was computed ahead and waits in a queue. */
  | 'queued'
  /** Computed before; now only part of sums or maxima. */
  | 'folded'
  /** Computed before, and not needed any more. */
  | 'past';

export interface Run {
  kind: RowKind;
  /**
   * `window`: rows of window n. `stream`: rows of other phases, for other windows. `ahead`: of window n +
   * ahead.
   */
  lane: 'window' | 'stream' | 'ahead';
  /** Frame of the first row. */
  at: number;
  /** Number of rows; distance between two rows and drawn width of a row, in frames. */
  rows: number;
  pitch: number;
  width: number;
}

export interface PictureLayer {
  name: string;
  op: string;
  /** Index of the layer that makes each input. */
  reads: number[];
  rows: number;
  /** Distance between two rows of a window, in frames. */
  pitch: number;
  phases: number;
  /** Input rows of row f: f * stride - before + i * dilation, i < kernel; absent if it reads all rows. */
  taps?: { kernel: number; stride: number; dilation: number; before: number };
  /** Number of windows by which the left edge is computed ahead. */
  ahead: number;
  /** Number of rows that cost multiply-accumulates at a hop, if fewer than drawn (tap sums). */
  counted?: number;
  /** True if the layer may use rows from before the window. */
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

/** Joins adjacent rows of one kind into runs. */
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

/** Kind of rows that were computed before and are not in a buffer. */
type Gone = 'folded' | 'past';

const tapsOf = ({ layout }: StreamPlan, id: number) => [...(layout?.taps ?? [])].find(([node]) => node.output === id)?.[1];

/** Returns the number of windows by which the left edge of a tensor is computed ahead. */
const aheadOf = (plan: StreamPlan, id: number): number => tapsOf(plan, id)?.completeAhead ?? plan.layout?.choice.ahead ?? 0;

/** Mode edge-exact: rows of window n, rows of other phases between them, the left edge of a later window. */
function edgeRuns(plan: StreamPlan, id: number, at: Stream, gone: Gone): Run[] {
  const { layout } = plan;
  const ahead = aheadOf(plan, id);
  const { waiting = 0, unrecordedWaiting = 0 } = tapsOf(plan, id) ?? {};
  const waits = layout?.choice.ahead === 0 && waiting + unrecordedWaiting > 0;
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
  const inWindow = (row: number) => row % phases === 0 && interiorRow(row / phases) && !(ahead === 0 && row / phases < computed);
  const runs = joined(ofWindow, 0, rows - 1, { lane: 'window', pitch, width: pitch });
  append(
    runs,
    joined((r) => (inWindow(r) ? undefined : streamKind(r)), oldest, newest, { lane: 'stream', pitch: grid, width: grid }),
  );
  if (ahead > 0 && computed > 0)
    runs.push({ kind: 'left', lane: 'ahead', at: ahead * plan.hop, rows: computed, pitch, width: pitch });
  return runs;
}

/** Mode stream: one run of rows, of which the newest are new. */
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

/** Partial results: one accumulator per waiting window, or one per hop of the window. */
function foldRuns(plan: StreamPlan, node: Node): Run[] {
  const fold = plan.steps.find((s): s is FoldStep => s.node === node && s.kind === 'fold')?.fold;
  const { hop, window } = plan;
  const result: Run = { kind: 'whole', lane: 'window', at: 0, rows: 1, pitch: window, width: window };
  if (fold) {
    const { method, shared } = fold;
    const slots = shared?.levels[0] ?? fold.slots;
    if (slots === 0) return [];
    const ring = method === 'ring' || shared !== undefined;
    const pitch = ring ? window / slots : hop;
    const at = ring || method === 'slide' ? 0 : hop;
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

/** Whether only partial results remain of a tensor's older rows. */
const isFolded = (plan: StreamPlan, id: number): boolean =>
  viewOf(plan.graph)
    .readers(id)
    .some((n) => foldRuns(plan, n).length > 0);

/** Returns the picture of an output in the steady state. */
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
    const common = base(node.output);
    const steps = plan.steps.filter((s) => s.node === node);
    const folds = foldRuns(plan, node);
    return {
      name: node.name,
      op: node.op,
      reads: node.inputs.map((id) => index.get(id) ?? 0),
      ...common,
      ...reachOf(graph, node),
      ahead: aheadOf(plan, node.output),
      ...(layout?.taps.has(node) && { counted: layout.rows.get(node) ?? 0 }),
      runs: folds.length > 0 ? folds : runsOf(node.output, common.rows, common.pitch),
      macsPerHop: steps.reduce((n, s) => n + s.macsPerHop, 0),
      macsPerWindow: steps.reduce((n, s) => n + s.macsPerWindow, 0),
    };
  });
  return { window, hop, ahead: layout?.choice.ahead ?? 0, delay: plan.delayFrames, layers: [source, ...layers] };
}

/** Rows of the input: the newest are new, earlier ones are held as long as a layer reads them. */
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
