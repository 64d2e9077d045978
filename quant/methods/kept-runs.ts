/**
 * A float run over some signals that is kept, so that a change is run again only from where it is made.
 *
 * In: the plan of a float graph, signals in parts (one an input each).  Out: the exact outputs; the outputs
 * with some tensors changed, for which only nodes that depend on these are run.  Cost: every tensor of the
 * run is held.
 */
import { viewOf } from '../../models/graph/view.ts';
import { executeStream, type RunNode } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import type { StreamPlan } from '../../models/stream/types.ts';

/** What a changed tensor holds instead: of an input, and of what a node makes. */
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
  /** By part: results of a node, in the order of its runs. */
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

  /** Outputs with `change` in the place of the tensors named. */
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
