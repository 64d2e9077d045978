/**
 * Runs a model on every window of a pool.
 *
 * In: a float or int8 graph, a pool of windows.  Out: the outputs of each window, as the windowed model gives
 * them.  Cost: one run of the model per window.
 */
import { clockOf } from '../../models/graph/clock.ts';
import { frameOf, type Graph, isQuantised } from '../../models/graph/types.ts';
import { type Points, type Pool, windowOf } from '../learn/pool.ts';
import { badOption } from './args.ts';

/** Windows that the model runs on at once: bounds the memory. A choice. */
const chunk = 1024;

/** Checks that the model takes these windows. @throws RN740 */
export function checkModel(graph: Graph, pool: Pool, path: string): void {
  const [input, second] = graph.inputs;
  const frame = input && frameOf(graph.tensors[input.tensor]?.shape ?? { t: 0, f: 0, c: 0 });
  const { window } = clockOf(graph);
  if (second || graph.stateful || frame !== pool.elements || window !== pool.frames)
    throw badOption('model', path, `a model of one input with ${pool.frames} frames of ${pool.elements} values, as the pool has`);
}

/** Runs the windowed model on every window. @returns its outputs, [window][outputs] */
export async function outputsOf(graph: Graph, pool: Pool): Promise<Points> {
  const [{ judge }, { planStream }, { quantPlan }] = await Promise.all([
    import('../../quant/evaluate/evaluate.ts'),
    import('../../models/stream/plan.ts'),
    import('../../quant/plan.ts'),
  ]);
  const plan = planStream(graph, { hop: pool.frames, mode: 'windowed' });
  const model = isQuantised(graph) ? quantPlan(plan) : plan;
  let points: Points | undefined;
  for (let from = 0; from < pool.count; from += chunk) {
    const recordings = Array.from({ length: Math.min(chunk, pool.count - from) }, (_, i) => [windowOf(pool, from + i)]);
    for (const { window, outputs } of judge(model, { recordings }, () => true)) {
      points ??= { features: outputs.length, values: new Float64Array(pool.count * outputs.length) };
      points.values.set(outputs, (from + window) * points.features);
    }
  }
  return points as Points;
}
