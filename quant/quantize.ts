/**
 * quantize: a float Graph and calibration data to an int8 Graph.
 *
 * In: a float Graph, plan options (the way it will run) and a signal `[frames][f][c]` for each input.  Out: the int8 Graph and a report per layer.
 * Deterministic.  Source: TensorFlow Lite 8-bit quantisation specification.
 */
import { RunletError } from '../models/error.ts';
import { type Graph, isQuantised, type Node, type QuantParams } from '../models/graph/types.ts';
import { planStream } from '../models/stream/plan.ts';
import type { PlanOptions } from '../models/stream/types.ts';
import { type CalibrateOptions, type Calibration, calibrate } from './calibrate.ts';
import { quantPlan } from './plan.ts';
import { type LayerReport, layerReport } from './report.ts';
import { chooseScales } from './scales.ts';
import { quantiseWeights } from './weights.ts';

export interface QuantizeOptions extends CalibrateOptions {
  /** Leave the per-layer report out (it runs the reference on a part of the signal). */
  noReport?: boolean;
}

export interface Quantized {
  graph: Graph;
  ranges: Map<number, [number, number]>;
  report: LayerReport[];
}

function int8Node(node: Node, x: QuantParams): Node {
  if (node.op === 'conv') {
    const { attrs } = node;
    const per = attrs.weights.data.length / attrs.outChannels;
    return {
      ...node,
      attrs: { ...attrs, ...quantiseWeights(attrs.weights, attrs.bias, attrs.outChannels, (i) => Math.floor(i / per), x) },
    };
  }
  if (node.op === 'depthwise') {
    const { attrs } = node;
    const outputs = attrs.weights.data.length / (attrs.kernelT * attrs.kernelF);
    return { ...node, attrs: { ...attrs, ...quantiseWeights(attrs.weights, attrs.bias, outputs, (i) => i % outputs, x) } };
  }
  if (node.op === 'dense') {
    const { attrs } = node;
    const per = attrs.weights.data.length / attrs.units;
    return {
      ...node,
      attrs: { ...attrs, ...quantiseWeights(attrs.weights, attrs.bias, attrs.units, (i) => Math.floor(i / per), x) },
    };
  }
  return node;
}

/** @throws RunletError RN404 (already int8), RN41x (calibration data), RN2xx (plan) */
export function quantize(graph: Graph, options: PlanOptions, calibration: Calibration, how: QuantizeOptions = {}): Quantized {
  if (isQuantised(graph)) {
    throw new RunletError('RN404', {
      what: `${graph.name} is int8 already`,
      why: 'it keeps the scales of its file',
      tryThis: 'leave --calib out',
    });
  }
  const plan = planStream(graph, options);
  const observers = calibrate(plan, calibration, how);
  const ranges = new Map([...observers].map(([id, o]) => [id, o.range()]));
  const quant = chooseScales(graph, ranges);
  const int8: Graph = {
    ...graph,
    tensors: graph.tensors.map((t) => ({ ...t, quant: quant.get(t.id) as QuantParams })),
    nodes: graph.nodes.map((node) => int8Node(node, quant.get(node.inputs[0] as number) as QuantParams)),
  };
  const report = how.noReport ? [] : layerReport(plan, quantPlan(int8, { ...options, mode: plan.mode }), calibration);
  return { graph: int8, ranges, report };
}
