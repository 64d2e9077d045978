/**
 * Short names of layers: the operator and its number in graph order, such as `conv#2`. Names in model files
 * may have hundreds of characters.
 *
 * In: a graph, or a list of layers.  Out: unique names. Inputs keep the names of the model.
 */
import type { Graph } from './types.ts';

/** Returns the short name of each layer, in order. */
export function shortNames(layers: readonly { op: string }[]): string[] {
  const counts = new Map<string, number>();
  return layers.map(({ op }) => {
    const number = (counts.get(op) ?? 0) + 1;
    counts.set(op, number);
    return `${op}#${number}`;
  });
}

/** Returns a function from names in the file to short names. It returns unknown names unchanged. */
export function shortener({ nodes, tensors, inputs }: Graph): (name: string) => string {
  const short = new Map<string, string>(inputs.map(({ tensor, name }) => [tensors[tensor]?.name ?? name, name]));
  for (const [i, name] of shortNames(nodes).entries()) {
    const node = nodes[i] as Graph['nodes'][number];
    short.set(tensors[node.output]?.name ?? node.name, name).set(node.name, name);
  }
  return (name) => short.get(name) ?? name;
}

/** Returns the graph with short names, for reports. */
export function withShortNames(graph: Graph): Graph {
  const names = shortNames(graph.nodes);
  const tensors = [...graph.tensors];
  for (const { tensor, name } of graph.inputs) {
    const known = tensors[tensor];
    if (known) tensors[tensor] = { ...known, name };
  }
  const nodes = graph.nodes.map((node, i) => {
    const name = names[i] as string;
    const output = tensors[node.output];
    if (output) tensors[node.output] = { ...output, name };
    return { ...node, name };
  });
  return { ...graph, nodes, tensors };
}
