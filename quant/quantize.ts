/**
 * quantize: a float Graph and calibration data to an int8 Graph.
 *
 * In: a float Graph, plan options (the way it will run) and a signal `[frames][f][c]` for each input.  Out: the int8 Graph and a report per layer.
 * Deterministic.  Source: TensorFlow Lite 8-bit quantisation specification.
 */
import { RunletError } from '../models/error.ts';
import { hasWeights, type MacNode } from '../models/graph/channels.ts';
import { frameOf, type Graph, isQuantised, type Node, type QuantParams, type Tensor } from '../models/graph/types.ts';
import { planStream } from '../models/stream/plan.ts';
import type { PlanOptions, StreamPlan } from '../models/stream/types.ts';
import { type CalibrateOptions, type Calibration, channelStats, visitCalibration } from './calibrate.ts';
import { ChannelStats } from './methods/channel-stats.ts';
import { type Equalised, equalise } from './methods/equalise.ts';
import { addPositions, Gram, inputsOf, setsOf } from './methods/gram.ts';
import { makeObserver, type Observer } from './observers/index.ts';
import { quantPlan } from './plan.ts';
import { type Methods, methodsOf, type Preset } from './presets.ts';
import { type LayerReport, layerReport } from './report.ts';
import { chooseScales } from './scales.ts';
import { type InputSeen, int8Node } from './weights.ts';

export interface QuantizeOptions extends Omit<CalibrateOptions, 'observer' | 'percentile'>, Partial<Methods> {
  /** Methods that are not named are this preset's (quant/presets.ts). */
  preset?: Preset;
  /** Leave the per-layer report out (it runs the reference on a part of the signal). */
  noReport?: boolean;
}

export interface Quantized {
  graph: Graph;
  ranges: Map<number, [number, number]>;
  report: LayerReport[];
  methods: Methods;
  /** Tensors whose channels were scaled against each other. */
  equalised: Equalised['changes'];
}

/** Layers with more inputs an output are rounded to the nearest: their covariance would take more than 8 MB. */
const mostInputs = 1024;

/** @throws RunletError RN404 (already int8), RN41x (calibration data), RN2xx (plan) */
export function quantize(graph: Graph, options: PlanOptions, calibration: Calibration, how: QuantizeOptions = {}): Quantized {
  if (isQuantised(graph)) {
    throw new RunletError('RN404', {
      what: `${graph.name} is int8 already`,
      why: 'it keeps the scales of its file',
      tryThis: 'leave --calib out',
    });
  }
  const methods = methodsOf(how);
  const { plan, equalised } = prepared(graph, options, calibration, how, methods);
  const { observers, inputs } = observe(plan, calibration, how, methods);
  const ranges = new Map([...observers].map(([id, o]) => [id, o.range()]));
  const quant = chooseScales(plan.graph, ranges);
  const tensors = graph.tensors.map((t) => ({ ...t, quant: quant.get(t.id) as QuantParams }));
  const nodes = plan.graph.nodes.map((node) =>
    hasWeights(node) ? int8Node(node, tensors[node.inputs[0] as number] as Tensor, inputs.get(node) ?? {}, methods) : node,
  );
  const int8: Graph = { ...graph, tensors, nodes };
  const report = how.noReport ? [] : layerReport(plan, quantPlan(int8, { ...options, mode: plan.mode }), calibration);
  return { graph: int8, ranges, report, methods, equalised };
}

/** The plan of the float graph, its channels equalised where that is wanted. */
function prepared(graph: Graph, options: PlanOptions, calibration: Calibration, how: CalibrateOptions, methods: Methods) {
  const plan = planStream(graph, options);
  if (!methods.equalise) return { plan, equalised: [] };
  const { graph: same, changes } = equalise(graph, channelStats(plan, calibration, how));
  return { plan: changes.length > 0 ? planStream(same, options) : plan, equalised: changes };
}

/** One pass over the signal: ranges of all tensors, and what is multiplied with weights. */
function observe(plan: StreamPlan, calibration: Calibration, how: CalibrateOptions, methods: Methods) {
  const { graph } = plan;
  const readers = new Map<number, MacNode[]>();
  for (const node of graph.nodes)
    if (hasWeights(node)) readers.set(node.inputs[0] as number, [...(readers.get(node.inputs[0] as number) ?? []), node]);
  const observers = new Map<number, Observer>();
  const stats = new Map<number, ChannelStats>();
  const grams = new Map<Node, Gram[]>();
  const once = <T>(map: Map<number, T>, id: number, make: () => T): T => {
    const found = map.get(id) ?? make();
    map.set(id, found);
    return found;
  };
  visitCalibration(plan, calibration, how, (id, values, visits) => {
    const { shape } = graph.tensors[id] as Tensor;
    once(observers, id, () => makeObserver(methods.observer, methods.percentile)).observe(values);
    const read = readers.get(id) ?? [];
    if (read.length > 0 && methods.biasCorrection) once(stats, id, () => new ChannelStats(shape.c)).observe(values);
    for (const node of methods.rounding === 'together' ? read : []) {
      const inputs = inputsOf(node);
      if (inputs > mostInputs) continue;
      const of = grams.get(node) ?? Array.from({ length: setsOf(node, shape.c) }, () => new Gram(inputs));
      grams.set(node, of);
      addPositions(node, of, values, { ...shape, t: values.length / frameOf(shape) }, visits);
    }
  });
  const inputs = new Map<Node, InputSeen>();
  for (const [id, nodes] of readers) for (const node of nodes) inputs.set(node, { stats: stats.get(id), grams: grams.get(node) });
  return { observers, inputs };
}
