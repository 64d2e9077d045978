/**
 * Runs the model on one extended window: the real signal replaces the zero padding on both sides (StreamiNNC
 * section 1.4).
 *
 * In: a QuantPlan, a signal, the window's index.  Out: the outputs. The windowed layers run on [start - left,
 * start + window + right) with the network's zero padding at the far ends, and the head gets only the
 * window's frames.
 */
import { frameOf, type Ints } from '../../models/graph/types.ts';
import { executeHeads, executeTrunk } from '../../models/stream/execute.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { intRunner, signalBlock } from '../../quant/reference.ts';

const upTo = (n: number, multiple: number) => Math.ceil(n / multiple) * multiple;

export function runExtended(quant: QuantPlan, signal: Ints, index: number, extra = 0): Int8Array[] {
  const { plan } = quant;
  const frame = frameOf(plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
  // the piece starts `left` hops before the window, so the window has index `left` in it
  const left = upTo(plan.leftContextFrames + extra, plan.hop) / plan.hop;
  const start = (index - left) * plan.hop;
  const end = index * plan.hop + plan.window + upTo(plan.delayFrames + extra, plan.alignment);
  const piece = signal.subarray(start * frame, end * frame);
  const run = intRunner(quant.params);
  const trunk = executeTrunk(plan, signalBlock(quant, piece), run);
  for (const result of executeHeads(plan, trunk, run, { warmUp: true }))
    if (result.index === left) return result.outputs as Int8Array[];
  throw new Error(`window ${index} does not fit the signal`);
}
