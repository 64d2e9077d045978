/**
 * Measures Runlet for one network, one preset, and one draw of calibration windows.
 *
 * In: a float graph, windows, the indexes of the calibration windows.  Out: the metric of the built int8
 * module over the evaluation windows. Windows are separate in calibration and in evaluation (mode windowed,
 * hop = window), as in a library without streams.
 */
import { moduleScores, openInt8 } from '../../host/demo/zoo.ts';
import { argmax } from '../../host/statistics.ts';
import type { Graph } from '../../models/graph/types.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import type { Preset } from '../../quant/presets.ts';
import { quantize } from '../../quant/quantize.ts';
import type { Windows } from './windows.ts';

/**
 * Returns the share of windows whose largest score is the true class, %. For a single output it returns 100
 * less the mean absolute error in % of the mean truth.
 */
export function metricOf(scores: readonly ArrayLike<number>[], truth: Float64Array): number {
  const rate = (scores[0]?.length ?? 0) === 1;
  const sum = scores.reduce(
    (total, s, i) => total + (rate ? Math.abs((s[0] as number) - (truth[i] as number)) : argmax(s) === truth[i] ? 1 : 0),
    0,
  );
  return rate ? 100 * (1 - sum / truth.reduce((a, b) => a + b, 0)) : (100 * sum) / scores.length;
}

/** Returns the windows of a draw, joined. */
export function picked(windows: Float32Array, each: number, draw: Int32Array): Float32Array {
  const out = new Float32Array(draw.length * each);
  for (const [i, w] of draw.entries()) out.set(windows.subarray(w * each, (w + 1) * each), i * each);
  return out;
}

export interface Found {
  metric: number;
  /** Layers by their signal-to-quantisation-noise ratio, lowest first. */
  layers: [name: string, op: string, sqnrDb: number][];
}

export async function runletMetric(
  graph: Graph,
  { frames, channels, calibration, evaluation, truth }: Windows,
  draw: Int32Array,
  preset: Preset,
  withLayers: boolean,
): Promise<Found> {
  const plan: PlanOptions = { hop: frames, mode: 'windowed' };
  const signal = picked(calibration, frames * channels, draw);
  const { graph: int8, report } = quantize(graph, signal, { ...plan, preset, noReport: !withLayers });
  const { session } = await openInt8(int8, plan);
  const layers = report.map((r): Found['layers'][number] => [r.name, r.op, r.sqnrDb]);
  return { metric: metricOf(moduleScores(session, evaluation), truth), layers: layers.sort((a, b) => a[2] - b[2]) };
}
