/**
 * KeptRuns: a float run over signals whose tensors are kept, so that later runs with changes are cheaper.
 *
 * In: the plan of a float graph, parts of signal (each with one signal per input).  Out: the exact outputs,
 * and the outputs with some tensors changed, for which only the nodes behind the change run.  Cost: it holds
 * every tensor of the run.
 */
import { viewOf } from '../../models/graph/view.ts';
import { executeStream, type RunNode } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import type { StreamPlan } from '../../models/stream/types.ts';

/** How a tensor is changed: an input by `input`; the output of a node by `node`, which runs it. */
export interface Change {
  input: (values: Float32Array, tensor: number) => Float32Array;
  node: RunNode<Float32Array>;
}

type Parts = readonly (readonly Float32Array[])[];

export class KeptRuns {
  /** Outputs of every window, one after the other. */
  readonly exact: Float32Array[];
  private readonly plan: StreamPlan;
  private readonly parts: Parts;
  /** For each part, by output tensor: the results of a node in the order of its runs. */
  private readonly made: Map<number, Float32Array[]>[] = [];

  constructor(plan: StreamPlan, parts: Parts) {
    this.plan = plan;
    this.parts = parts;
    this.exact = parts.flatMap((signals) => {
      const made = new Map<number, Float32Array[]>();
      this.made.push(made);
      const inputs = plan.graph.inputs.map((p) => p.tensor);
      return this.outputs(signals, inputs, {
        input: (x) => x,
        node: (node, xs, out, strideT) => {
          const y = floatRunner(node, xs, out, strideT);
          const of = made.get(node.output);
          if (of) of.push(y);
          else made.set(node.output, [y]);
          return y;
        },
      });
    });
  }

  /** Returns the outputs with `change` applied to the given tensors. */
  again(tensors: readonly number[], change: Change): Float32Array[] {
    const differ = viewOf(this.plan.graph).behind(tensors);
    return this.parts.flatMap((signals, k) => {
      const calls = new Map<number, number>();
      const node: Change['node'] = (node, xs, out, strideT) => {
        const call = calls.get(node.output) ?? 0;
        calls.set(node.output, call + 1);
        if (!differ.has(node.output)) return this.made[k]?.get(node.output)?.[call] as Float32Array;
        return (tensors.includes(node.output) ? change.node : floatRunner)(node, xs, out, strideT);
      };
      return this.outputs(signals, tensors, { ...change, node });
    });
  }

  private outputs(signals: readonly Float32Array[], tensors: readonly number[], { input, node }: Change): Float32Array[] {
    const { graph } = this.plan;
    const blocks = floatBlocks(this.plan, signals).map((block, i) => {
      const tensor = graph.inputs[i]?.tensor ?? -1;
      return tensors.includes(tensor) ? { ...block, data: input(block.data, tensor) } : block;
    });
    return [...executeStream(this.plan, blocks, node)].flatMap((window) => window.outputs);
  }
}
