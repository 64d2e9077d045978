/**
 * observe: collects all calibration statistics in one pass over the signal.
 *
 * In: the plan of a float graph, calibration data, methods.  Out: for every tensor its range, the convergence
 * of the range and statistics of its channels; covariances of the inputs of layers with weights; statistics
 * of the outputs and of recurrent cells.
 */
import { hasWeights, weightChannels } from '../models/graph/channels.ts';
import { frameOf, type Node } from '../models/graph/types.ts';
import { viewOf } from '../models/graph/view.ts';
import { opOfNode } from '../models/ops/index.ts';
import type { Hidden } from '../models/ops/op.ts';
import type { RunNode } from '../models/stream/execute.ts';
import { floatRunner } from '../models/stream/float.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { type CalibrateOptions, type Visit, visitCalibration } from './calibrate.ts';
import { Watched } from './calibration/convergence.ts';
import { OutputsSeen } from './calibration/outputs-seen.ts';
import type { Calibration } from './calibration/signals.ts';
import { channelGains } from './methods/channel-gains.ts';
import { ChannelStats } from './methods/channel-stats.ts';
import { addPositions, type Gram, gramsOf } from './methods/gram.ts';
import { makeObserver } from './observers/index.ts';
import type { Methods } from './presets.ts';

/**
 * Layers with more inputs per output are rounded to nearest: their covariance would take more than 8 MB.
 */
const maxInputs = 1024;

export interface Observed {
  watched: Map<number, Watched>;
  stats: Map<number, ChannelStats>;
  grams: Map<Node, Gram[]>;
  outputs: OutputsSeen;
  hidden: Map<Node, Hidden>;
}

const once = <K, T>(map: Map<K, T>, key: K, make: () => T): T => {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
};

/** @throws RN414 */
export function* observe(
  plan: StreamPlan,
  data: Calibration,
  how: CalibrateOptions,
  methods: Methods,
): Generator<number, Observed, undefined> {
  const { graph } = plan;
  const view = viewOf(graph);
  const gains = methods.observer === 'mse' ? channelGains(graph) : undefined;
  const seen: Observed = {
    watched: new Map(),
    stats: new Map(),
    grams: new Map(),
    outputs: new OutputsSeen(graph),
    hidden: new Map(),
  };
  const run: RunNode<Float32Array> = (node, xs, out, strideT) => {
    const now = opOfNode(node).hidden?.(xs, node.attrs, out);
    const before = seen.hidden.get(node);
    if (now) seen.hidden.set(node, { cell: Math.max(now.cell, before?.cell ?? 0), sum: Math.max(now.sum, before?.sum ?? 0) });
    return floatRunner(node, xs, out, strideT);
  };
  const visit: Visit = (id, values, visits) => {
    const shape = view.shape(id);
    const make = () => new Watched(makeObserver(methods.observer, methods.percentile, gains?.get(id)), frameOf(shape));
    once(seen.watched, id, make).observe(values, visits);
    once(seen.stats, id, () => new ChannelStats(shape.c)).observe(values);
    seen.outputs.add(id, values);
    if (methods.rounding !== 'together') return;
    for (const node of view.readers(id).filter(hasWeights)) {
      if (weightChannels(node, shape.c).inputs > maxInputs) continue;
      const of = once(seen.grams, node, () => gramsOf(node, shape.c));
      addPositions(node, of, values, { ...shape, t: values.length / frameOf(shape) }, visits);
    }
  };
  yield* visitCalibration(plan, data, how, visit, run);
  return seen;
}
