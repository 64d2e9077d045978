/**
 * runFloat: computes a graph in real values. It is the oracle of every other executor.
 *
 * In: a float graph and one window of [t][f][c] per graph input.  Out: every tensor's values for that window.
 * Each operator accumulates in double and returns float32 (models/ops). Cost: the whole window is computed,
 * without reuse.
 */

import { elementsOf, type Graph } from '../../models/graph/types.ts';
import { opOfNode } from '../../models/ops/index.ts';
import type { FloatTensor } from '../../models/ops/op.ts';

/**
 * Runs `graph` on `inputs` (one per graph input, `[t][f][c]`, elements of its shape) and returns the data of
 * each tensor by its id. Throws a plain Error if an input is missing or has the wrong length: that is a
 * mistake of the caller, not of a model.
 */
export function runFloat(graph: Graph, inputs: Float32Array[]): Float32Array[] {
  const values: (FloatTensor | undefined)[] = new Array(graph.tensors.length).fill(undefined);
  graph.inputs.forEach((port, i) => {
    const shape = graph.tensors[port.tensor]?.shape;
    const data = inputs[i];
    if (!shape || data?.length !== elementsOf(shape)) throw new Error(`input ${i} (${port.name}) has the wrong length`);
    values[port.tensor] = { data, shape };
  });
  for (const node of graph.nodes) {
    const xs = node.inputs.map((id) => {
      const x = values[id];
      if (!x) throw new Error(`${node.name} reads tensor ${id} before it is written`);
      return x;
    });
    const shape = graph.tensors[node.output]?.shape;
    if (!shape) throw new Error(`${node.name} writes no tensor`);
    const op = opOfNode(node);
    values[node.output] = { data: op.float(xs, node.attrs, shape), shape };
  }
  return values.map((value) => value?.data ?? new Float32Array(0));
}
