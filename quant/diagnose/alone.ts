/**
 * What each layer alone costs at the outputs when it is int8 and all others are float.
 *
 * In: the plan of the float graph, the int8 graph, signals.  Out: noise over signal at the outputs, by the
 * layer's output tensor (inputs by themselves). A layer in int8: its weights and bias as they are stored, its
 * output rounded to its steps. What lies before the layer, or beside it, does not change and is taken from
 * the float run.  quant/methods/sensitivity.ts asks the same of activations alone, in groups that share a
 * scale.
 * Cost: for each layer a float run of what depends on it.
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
