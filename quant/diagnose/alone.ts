/**
 * aloneNoise: measures the noise at the outputs when one layer is int8 and all others are float.
 *
 * In: the plan of the float graph, the int8 graph, signals.  Out: noise over signal at the outputs, by the
 * layer's output tensor; for an input, by its own tensor. A layer in int8 has the stored weights and bias,
 * and its output is rounded to int8 steps. Tensors that do not depend on it are taken from the float run.
 * quant/methods/sensitivity.ts measures activations without weights, in groups that share a scale.
 * Cost: for each layer a float run of the nodes that depend on it.
 */
import type { Graph, Node, QuantParams } from '../../models/graph/types.ts';
import { floatRunner } from '../../models/stream/float.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { dequantise } from '../dequantise.ts';
import { KeptRuns } from '../methods/kept-runs.ts';
import { noiseOf, rounded } from '../methods/sensitivity.ts';

export function aloneNoise(plan: StreamPlan, int8: Graph, cuts: readonly (readonly Float32Array[])[]): Map<number, number> {
  const { graph } = plan;
  const stored = new Map(dequantise(int8).nodes.map((node) => [node.name, node]));
  const runs = new KeptRuns(plan, cuts);
  const noise = (tensor: number): number => {
    const quant = int8.tensors[tensor]?.quant as QuantParams;
    const other = runs.again([tensor], {
      input: (x) => rounded(x, quant),
      node: (node, xs, out, strideT) => rounded(floatRunner(stored.get(node.name) as Node, xs, out, strideT), quant),
    });
    return noiseOf(runs.exact, other);
  };
  const layers = [...graph.inputs.map((p) => p.tensor), ...graph.nodes.map((n) => n.output)];
  return new Map(layers.map((tensor) => [tensor, noise(tensor)]));
}
