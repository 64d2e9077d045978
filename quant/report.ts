/**
 * The per-layer table: signal-to-quantisation-noise ratio (SQNR) and clipping.
 *
 * In: the plan of the float graph, the QuantPlan made from it, and the calibration data, of which the first
 * windows are used.  Out: one row per tensor. SQNR = 10 log10(sum x^2 / sum (x - x_int8)^2) over the tensor;
 * it includes the errors of earlier layers.
 */
import { type Graph, type Ints, type QuantParams, storedRange } from '../models/graph/types.ts';
import { viewOf } from '../models/graph/view.ts';
import { cutSignal, executeHeads, executeTrunk, ticksIn } from '../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../models/stream/float.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { type Calibration, piecesOf } from './calibration/signals.ts';
import { Tally } from './diagnose/tally.ts';
import { clampInt, roundHalfAway } from './fixed-point.ts';
import { makeInts } from './ops/int16.ts';
import type { QuantPlan } from './plan.ts';
import { intRunner, signalBlocks } from './reference.ts';

export interface LayerReport {
  tensor: number;
  name: string;
  op: string;
  scale: number;
  zeroPoint: number;
  type?: 'int16';
  /** Smallest and largest float value. */
  min: number;
  max: number;
  sqnrDb: number;
  /** Share of float values outside the range of int8 (int16). */
  clipped: number;
}

/** Quantises host values: clamp(round(x / scale) + zeroPoint), float32 quotient, halves away from zero. */
export function quantiseSignal(data: Float32Array, q: QuantParams): Ints {
  const [low, high] = storedRange(q);
  const y = makeInts(q.type, data.length);
  for (const [i, x] of data.entries()) y[i] = clampInt(roundHalfAway(Math.fround(x / q.scale)) + q.zeroPoint, low, high);
  return y;
}

/** Quantises one signal for each input. */
export const quantiseSignals = (graph: Graph, signals: readonly Float32Array[]): Ints[] =>
  signals.map((data, i) =>
    quantiseSignal(data, viewOf(graph).quant(graph.inputs[i]?.tensor ?? -1) ?? { scale: 1, zeroPoint: 0 }),
  );

export function layerReport(plan: StreamPlan, quant: QuantPlan, calibration: Calibration, maxWindows = 32): LayerReport[] {
  const { graph } = quant.plan;
  const rows = new Map<number, Tally>();
  const add = (id: number, float: Float32Array | undefined, int: Ints) => {
    const to = graph.tensors[id]?.quant;
    if (!float || !to) return;
    const row = rows.get(id) ?? new Tally(to, viewOf(graph).shape(id).c);
    row.add(float, int);
    rows.set(id, row);
  };
  const run = intRunner(quant.params);
  const needed = plan.window + plan.delayFrames + plan.warmUpHops * plan.hop;
  let left = maxWindows;
  for (const signals of piecesOf(calibration)) {
    if (left <= 0) break;
    const all = floatBlocks(plan, signals);
    const ticks = Math.min(ticksIn(plan, all), needed + (left - 1) * plan.hop);
    left -= Math.floor((ticks - needed) / plan.hop) + 1;
    const part = [...cutSignal(plan, all, 0, ticks).values()];
    const stored = quantiseSignals(
      graph,
      part.map((block) => block.data),
    );
    const floatTrunk = executeTrunk(plan, part, floatRunner);
    const intTrunk = executeTrunk(quant.plan, signalBlocks(quant, stored), run);
    for (const [id, block] of intTrunk) add(id, floatTrunk.get(id)?.data, block.data);
    const intHeads = executeHeads(quant.plan, intTrunk, run);
    for (const float of executeHeads(plan, floatTrunk, floatRunner)) {
      const int = intHeads.next().value as typeof float | undefined;
      if (!int) break;
      for (const [id, block] of int.tensors)
        if (!intTrunk.has(id)) add(id, float.tensors.get(id)?.data, block.data as unknown as Ints);
    }
  }
  return [...rows].map(([tensor, row]) => {
    const t = graph.tensors[tensor];
    const { min, max, clipped } = row.result;
    return {
      tensor,
      name: t?.name ?? '',
      op: viewOf(graph).producer(tensor)?.op ?? 'input',
      scale: t?.quant?.scale ?? 0,
      zeroPoint: t?.quant?.zeroPoint ?? 0,
      ...(t?.quant?.type && { type: t.quant.type }),
      min,
      max,
      sqnrDb: row.ratio.db,
      clipped,
    };
  });
}
