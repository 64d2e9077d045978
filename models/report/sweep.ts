/**
 * Sweep: plans a graph at every hop, and compares the costs.
 *
 * In: a Graph.  Out: a row per hop. A hop is good if no smaller hop has at most its work per frame and at
 * most its state. It is free if it is a multiple of the total stride, so that no tensor has phases.
 */

import { isRunletError } from '../error.ts';
import type { Graph } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { maxOf } from '../lists.ts';
import type { Mode } from '../stream/modes.ts';
import { planStream } from '../stream/plan.ts';
import { totalStride } from '../stream/timing.ts';
import type { PlanOptions, StreamPlan } from '../stream/types.ts';
import { planRows } from './print.ts';

export interface SweepRow {
  window: number;
  hop: number;
  mode: Mode;
  macsPerHop: number;
  /** Multiply-accumulates per frame of the signal. */
  macsPerFrame: number;
  macsPerWindow: number;
  stateBytes: number;
  delayFrames: number;
  phases: number;
  exact: boolean;
  /** What every output equals, in one word. */
  equals: string;
  /** True if the hop is a multiple of the total stride. */
  free: boolean;
  /**
   * True if no smaller hop has at most its work per frame and state (or no longer window its work and state).
   */
  good: boolean;
}

export interface Sweep {
  rows: SweepRow[];
  totalStride: number;
  /** Values that cannot be planned, with the error code. */
  refused: { value: number; code: string }[];
  /** Number of all hops if only some of them were planned. */
  sampledOf?: number;
}

function rowOf(plan: StreamPlan, stride: number): SweepRow {
  const { window, hop, mode, macsPerHop, macsPerWindow, stateBytes, delayFrames, phases } = plan;
  const words = new Set(planRows(plan).map((r) => r.exact));
  const exact = words.size === 1 && words.has('exact');
  return {
    window,
    hop,
    mode,
    macsPerHop,
    macsPerFrame: macsPerHop / hop,
    macsPerWindow,
    stateBytes,
    delayFrames,
    phases,
    exact,
    equals: ['exact', 'extended', 'approx'].reduce((worst, word) => (words.has(word) ? word : worst)),
    free: hop % stride === 0,
    good: false,
  };
}

/** Marks the rows for which no earlier row has at most their work and their state. */
function markGood(rows: SweepRow[], work: (row: SweepRow) => number): void {
  rows.forEach((row, i) => {
    row.good = !rows.slice(0, i).some((r) => work(r) <= work(row) && r.stateBytes <= row.stateBytes);
  });
}

/**
 * Returns at most `count` good hops: the smallest, and each that improves on those before by `by` percent, in
 * work per frame or (of the largest state) in state. `by` is the smallest percentage that suffices.
 */
export function bestHops(rows: SweepRow[], count = 20): { rows: SweepRow[]; by: number } {
  const good = rows.filter((r) => r.good);
  const largest = maxOf(good.map((r) => r.stateBytes));
  for (const by of [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50]) {
    let [macs, state] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    const kept = good.filter((row) => {
      if (row.macsPerFrame > macs * (1 - by / 100) && row.stateBytes > state - (largest * by) / 100 && by > 0) return false;
      macs = Math.min(macs, row.macsPerFrame);
      state = Math.min(state, row.stateBytes);
      return true;
    });
    if (kept.length <= count) return { rows: kept, by };
  }
  return { rows: good.slice(0, count), by: 0 };
}

/** Returns at most `count` good windows, evenly spread. */
export function someWindows(rows: SweepRow[], count = 20): SweepRow[] {
  const good = rows.filter((r) => r.good);
  if (good.length <= count) return good;
  return Array.from({ length: count }, (_, i) => good[Math.round((i * (good.length - 1)) / (count - 1))] as SweepRow);
}

/**
 * Returns all hops up to the window. If there are more than about `count`: the small ones, the multiples of
 * the stride, and others evenly spread.
 */
export function hopsOf(window: number, stride: number, count: number): number[] {
  const all = Array.from({ length: window }, (_, i) => i + 1);
  if (window <= count) return all;
  const every = Math.ceil(window / count);
  return all.filter((h) => h <= count / 4 || h % stride === 0 || h % every === 0);
}

/** Plans the hops from 1 to the window. @param count approximate limit of their number */
export function sweepHops(graph: Graph, options: Omit<PlanOptions, 'hop'> = {}, count = 2048): Sweep {
  const { window } = viewOf(graph).clock;
  const stride = totalStride(graph);
  const hops = hopsOf(window, stride, count);
  const sweep: Sweep = { rows: [], totalStride: stride, refused: [], ...(hops.length < window && { sampledOf: window }) };
  for (const hop of hops) plan(sweep, hop, () => planStream(graph, { ...options, hop }));
  markGood(sweep.rows, (r) => r.macsPerFrame);
  return sweep;
}

/** Plans one hop for several windows. @param graphOf reads the graph with a window, or rejects */
export async function sweepWindows(
  windows: number[],
  graphOf: (window: number) => Promise<Graph>,
  options: PlanOptions,
): Promise<Sweep> {
  const sweep: Sweep = { rows: [], totalStride: 1, refused: [] };
  for (const window of windows) {
    const graph = await graphOf(window).catch((error: unknown) => refuse(sweep, window, error));
    if (!graph) continue;
    plan(sweep, window, () => planStream(graph, options), totalStride(graph));
  }
  // a longer window is better at the same cost
  sweep.rows.reverse();
  markGood(sweep.rows, (r) => r.macsPerHop);
  sweep.rows.reverse();
  return sweep;
}

function plan(sweep: Sweep, value: number, make: () => StreamPlan, stride = sweep.totalStride): void {
  try {
    sweep.rows.push(rowOf(make(), stride));
    sweep.totalStride = stride;
  } catch (error) {
    refuse(sweep, value, error);
  }
}

function refuse(sweep: Sweep, value: number, error: unknown): undefined {
  if (!isRunletError(error)) throw error;
  sweep.refused.push({ value, code: error.code });
}
