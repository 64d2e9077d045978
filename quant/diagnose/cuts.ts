/**
 * cutsOf: cuts pieces out of calibration data, spread evenly over it.
 *
 * In: a plan, calibration data, the largest number of pieces.  Out: at least one piece, each with an array
 * per input. A piece has the length that one output depends on, plus `hops` hops.
 */
import { cutSignal, ticksIn } from '../../models/stream/execute.ts';
import { floatBlocks } from '../../models/stream/float.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { pieceTicks } from '../calibration/collect.ts';
import { type Calibration, piecesOf } from '../calibration/signals.ts';

/** @param hops number of further outputs in each piece, if the signal is long enough */
export function cutsOf(plan: StreamPlan, data: Calibration, maxPieces: number, hops = 0): Float32Array[][] {
  const wanted = pieceTicks(plan) + hops * plan.hop;
  const places = piecesOf(data).flatMap((signals) => {
    const blocks = floatBlocks(plan, signals);
    const all = ticksIn(plan, blocks);
    const length = Math.min(wanted, all);
    const count = Math.max(1, Math.min(maxPieces, Math.floor((all - length) / plan.hop) + 1));
    const spread = (k: number) => (count > 1 ? Math.floor((k * (all - length)) / (count - 1) / plan.hop) * plan.hop : 0);
    return Array.from({ length: count }, (_, k) => ({ blocks, from: spread(k), length }));
  });
  const step = Math.max(1, places.length / maxPieces);
  const chosen = Array.from({ length: Math.min(maxPieces, places.length) }, (_, k) => places[Math.floor(k * step)]);
  return chosen.map((place) => {
    const { blocks, from, length } = place as (typeof places)[number];
    return [...cutSignal(plan, blocks, from, from + length).values()].map((b) => b.data);
  });
}
