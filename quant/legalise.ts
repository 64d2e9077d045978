/**
 * legalise: inserts requantisations, so that the scales of an int8 graph fit the integer operators.
 *
 * In: an int8 Graph as a file stores it.  Out: a graph with a requantisation (activation `identity`, a table)
 * wherever an operator that must keep one scale would change it: before concatenations, after all others.
 * Returns the graph itself if no scale differs.
 */
import { type Graph, type Node, requantisation, sameParams, type Tensor } from '../models/graph/types.ts';
import { intOpOfNode } from './ops/index.ts';

/** @param wanted selects operators by how they share a scale (IntOp.sharesScale). Default: all */
export function legalise(graph: Graph, wanted: (shares: string) => boolean = () => true): Graph {
  const tensors: Tensor[] = [...graph.tensors];
  const nodes: Node[] = [];
  const quant = (id: number) => tensors[id]?.quant;
  const add = (like: number, quantAs: number, name: string) => {
    const id = tensors.length;
    tensors.push({ ...(tensors[like] as Tensor), id, name, quant: quant(quantAs) });
    return id;
  };
  for (const node of graph.nodes) {
    const shares = intOpOfNode(node).sharesScale?.(node.attrs);
    if (!shares || !wanted(shares) || node.inputs.every((id) => sameParams(quant(id), quant(node.output)))) {
      nodes.push(node);
      continue;
    }
    if (shares === 'joined') {
      const inputs = node.inputs.map((id, i) => {
        if (sameParams(quant(id), quant(node.output))) return id;
        const to = add(id, node.output, `${node.name}/requantise${i}`);
        nodes.push(requantisation(id, to, `${node.name}/requantise${i}`));
        return to;
      });
      nodes.push({ ...node, inputs });
    } else {
      const [from] = node.inputs as [number];
      const middle = add(node.output, from, `${node.name}/unscaled`);
      nodes.push({ ...node, output: middle }, requantisation(middle, node.output, `${node.name}/requantise`));
    }
  }
  return nodes.length === graph.nodes.length ? graph : { ...graph, tensors, nodes };
}
