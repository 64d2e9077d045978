/**
 * One plan for every hop: what each costs.
 *
 * In: a Graph.  Out: a row per hop; which are good (no smaller hop has as little work per frame and state),
 * and which are free (multiples of the total stride, so that nothing has phases).
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
  /** Multiply-accumulates per frame of the signal: what a second of it costs, over its rate. */
  macsPerFrame: number;
  macsPerWindow: number;
  stateBytes: number;
  delayFrames: number;
  phases: number;
  exact: boolean;
  /** What every output equals, in a word. */
  equals: string;
  /** The hop is a multiple of the total stride. */
  free: boolean;
  /**
   * No smaller hop has at most its work per frame and its state; no longer window has at most its work and
   * its state.
   */
  good: boolean;
}

export interface Sweep {
  rows: SweepRow[];
  totalStride: number;
  /** Values that no plan takes, and the error code. */
  refused: { value: number; code: string }[];
  /** How many of all were planned, where not all were. */
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

/** Marks the rows that none before them beats in work and in state. */
export function markGood(rows: SweepRow[], work: (row: SweepRow) => number): void {
  rows.forEach((row, i) => {
    row.good = !rows.slice(0, i).some((r) => work(r) <= work(row) && r.stateBytes <= row.stateBytes);
  });
}

/**
 * At most `most` good hops: the smallest, and each that has so much less work per frame than those before, or
 * so much less of the largest state, that few enough are left; and how much that is, in percent.
 */
export function bestHops(rows: SweepRow[], most = 20): { rows: SweepRow[]; by: number } {
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
    if (kept.length <= most) return { rows: kept, by };
  }
  return { rows: good.slice(0, most), by: 0 };
}

/** At most `most` good windows, evenly. */
export function someWindows(rows: SweepRow[], most = 20): SweepRow[] {
  const good = rows.filter((r) => r.good);
  if (good.length <= most) return good;
  return Array.from({ length: most }, (_, i) => good[Math.round((i * (good.length - 1)) / (most - 1))] as SweepRow);
}

/**
 * All hops up to the window; of many, all small ones, all multiples of the stride, and others evenly between.
 */
export function hopsOf(window: number, stride: number, most: number): number[] {
  const all = Array.from({ length: window }, (_, i) => i + 1);
  if (window <= most) return all;
  const every = Math.ceil(window / most);
  return all.filter((h) => h <= most / 4 || h % stride === 0 || h % every === 0);
}

/** Plans every hop from 1 to the window (at most about `most`). */
export function sweepHops(graph: Graph, options: Omit<PlanOptions, 'hop'> = {}, most = 2048): Sweep {
  const { window } = viewOf(graph).clock;
  const stride = totalStride(graph);
  const hops = hopsOf(window, stride, most);
  const sweep: Sweep = { rows: [], totalStride: stride, refused: [], ...(hops.length < window && { sampledOf: window }) };
  for (const hop of hops) plan(sweep, hop, () => planStream(graph, { ...options, hop }));
  markGood(sweep.rows, (r) => r.macsPerFrame);
  return sweep;
}

/**
 * Plans one hop for graphs of several windows; `graphOf` gives nothing where the model has no such window.
 */
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
