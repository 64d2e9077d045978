/**
 * What each layer alone costs at the outputs when it is int8 and all others are float.
 *
 * In: the plan of the float graph, the int8 graph, signals.  Out: noise over signal at the outputs, by the layer's output tensor (inputs by themselves).
 * A layer in int8: its weights and bias as they are stored, its output rounded to its steps. What lies before the layer, or beside it, does not change
 * and is taken from the float run.  quant/methods/sensitivity.ts asks the same of activations alone, in groups that share a scale.
 * Cost: for each layer a float run of what depends on it.
 */
import type { Graph, Node, QuantParams } from '../../models/graph/types.ts';
import { executeStream, type RunNode } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { dequantise } from '../dequantise.ts';
import { noiseOf, rounded } from '../methods/sensitivity.ts';

/** Results of a node, in the order of its runs. */
type Runs = Map<number, Float32Array[]>;

function outputsWith(
  plan: StreamPlan,
  signals: readonly Float32Array[],
  run: RunNode<Float32Array>,
  quant?: [number, QuantParams],
) {
  const blocks = floatBlocks(plan, signals).map((block, i) =>
    quant && plan.graph.inputs[i]?.tensor === quant[0] ? { ...block, data: rounded(block.data, quant[1]) } : block,
  );
  return [...executeStream(plan, blocks, run)].flatMap((window) => window.outputs);
}

/** Tensors that depend on one. */
function behind(graph: Graph, tensor: number): Set<number> {
  const found = new Set([tensor]);
  for (const node of graph.nodes) if (node.inputs.some((id) => found.has(id))) found.add(node.output);
  return found;
}

export function aloneNoise(plan: StreamPlan, int8: Graph, cuts: readonly (readonly Float32Array[])[]): Map<number, number> {
  const { graph } = plan;
  const stored = new Map(dequantise(int8).nodes.map((node) => [node.name, node]));
  const runs: Runs[] = [];
  const exact = cuts.flatMap((signals) => {
    const made: Runs = new Map();
    runs.push(made);
    return outputsWith(plan, signals, (node, xs, out, strideT) => {
      const y = floatRunner(node, xs, out, strideT);
      made.set(node.output, [...(made.get(node.output) ?? []), y]);
      return y;
    });
  });
  const noise = (tensor: number): number => {
    const quant = int8.tensors[tensor]?.quant as QuantParams;
    const changed = behind(graph, tensor);
    const other = cuts.flatMap((signals, k) => {
      const calls = new Map<number, number>();
      const run: RunNode<Float32Array> = (node, xs, out, strideT) => {
        const call = calls.get(node.output) ?? 0;
        calls.set(node.output, call + 1);
        if (!changed.has(node.output)) return runs[k]?.get(node.output)?.[call] as Float32Array;
        const own = node.output === tensor;
        const y = floatRunner(own ? (stored.get(node.name) as Node) : node, xs, out, strideT);
        return own ? rounded(y, quant) : y;
      };
      return outputsWith(plan, signals, run, [tensor, quant]);
    });
    return noiseOf(exact, other);
  };
  const layers = [...graph.inputs.map((p) => p.tensor), ...graph.nodes.map((n) => n.output)];
  return new Map(layers.map((tensor) => [tensor, noise(tensor)]));
}
