/**
 * outputsOf: computes a model's outputs at selected windows, in real numbers.
 *
 * In: a plan (float) or a QuantPlan (int8), a recording, a selection of windows.  Out: all outputs of each
 * window, joined. A plan without trunk (the windowed model) runs only the selected windows. Else the trunk
 * runs over pieces of about `pieceTicks`, which bounds the memory.
 * Exact: the result equals the plan over the whole signal, because pieces start one warm-up earlier, at a
 * hop. A stateful model, and mode misaligned, run over the whole signal at once.
 */
import { join } from '../../models/lists.ts';
import { type Block, cutSignal, executeStream, type RunNode, ticksIn, type WindowResult } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { hasTrunk, streamingOf } from '../../models/stream/modes.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import type { QuantPlan } from '../plan.ts';
import { intRunner, signalBlocks } from '../reference.ts';
import { quantiseSignals } from '../report.ts';

/** A float model (its plan), or an int8 model. */
export type Model = StreamPlan | QuantPlan;

export const planOf = (model: Model): StreamPlan => ('params' in model ? model.plan : model);

const pieceTicks = 16384;

type Results = (signals: readonly Float32Array[]) => Iterable<WindowResult<ArrayLike<number>>>;

/**
 * Returns functions that run a signal through the model, and convert output number `output` to real values.
 */
function runnerOf(model: Model): { results: Results; real: (output: number, data: ArrayLike<number>) => ArrayLike<number> } {
  const plan = planOf(model);
  if (!('params' in model))
    return { results: (signals) => executeStream(plan, floatBlocks(plan, signals), floatRunner), real: (_, data) => data };
  const run = intRunner(model.params) as RunNode<Int8Array>;
  return {
    results: (signals) => {
      const stored = quantiseSignals(plan.graph, signals);
      return executeStream(plan, signalBlocks(model, stored) as Block<Int8Array>[], run);
    },
    real: (output, data) => {
      const { scale, zeroPoint } = plan.graph.tensors[plan.graph.outputs[output]?.tensor ?? -1]?.quant ?? {
        scale: 1,
        zeroPoint: 0,
      };
      return Float32Array.from(data, (v) => scale * (v - zeroPoint));
    },
  };
}

/** Yields the outputs of one signal at the windows n >= plan.warmUpHops that `wanted` selects. */
export function* outputsOf(
  model: Model,
  signals: readonly Float32Array[],
  wanted: (window: number) => boolean,
): Generator<{ window: number; values: Float32Array }> {
  const plan = planOf(model);
  const { results, real } = runnerOf(model);
  const blocks = floatBlocks(plan, signals);
  const needed = plan.window + plan.delayFrames;
  const last = Math.floor((ticksIn(plan, blocks) - needed) / plan.hop);
  const whole = plan.graph.stateful || streamingOf(plan.mode).outputClock;
  const perPiece = hasTrunk(plan.mode) ? Math.max(1, Math.floor((pieceTicks - needed) / plan.hop)) : 1;
  const step = whole ? last + 1 : perPiece;
  for (let n = 0; n <= last; n += step) {
    const end = Math.min(last + 1, n + step);
    if (!Array.from({ length: end - n }, (_, i) => n + i).some(wanted)) continue;
    const from = Math.max(0, n - plan.warmUpHops);
    const part = cutSignal(plan, blocks, from * plan.hop, (end - 1) * plan.hop + needed);
    for (const { index, outputs } of results([...part.values()].map((b) => b.data))) {
      const window = from + index;
      if (window < n || !wanted(window)) continue;
      yield {
        window,
        values: join(
          Float32Array,
          outputs.map((data, i) => real(i, data)),
        ),
      };
    }
  }
}
