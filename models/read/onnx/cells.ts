/**
 * withCells: replaces recurrent cells in single operators by one node each.
 *
 * In: sorted nodes, the inputs that are states, the outputs that may be their next values.  Out: nodes. A
 * node `Cell` replaces the nodes in its `body`: it reads their outside inputs, and gives the next states.
 */
import { lookup } from '../../lookup.ts';
import { type PlainNode, unrolledCells } from '../unrolled.ts';
import type { OnnxGraph, OnnxNode } from './proto.ts';
import { readsOf, sortNodes } from './sort.ts';
import { moving } from './states.ts';

const cells = new Set(['LSTM', 'GRU', 'RNN', 'If', 'Loop', 'Scan']);
export const kinds: Readonly<Record<string, PlainNode<string>['kind']>> = {
  MatMul: 'product',
  Gemm: 'product',
  Add: 'sum',
  Sub: 'sum',
};

/** Returns the nodes as the search for cells needs them, without constants. */
export function plainNodes(nodes: readonly OnnxNode[], isConstant: (name: string) => boolean): PlainNode<string>[] {
  const constants = new Set<string>();
  return nodes.map((node) => {
    const { op, domain, outputs } = node;
    const inputs = readsOf(node).filter((name) => !constants.has(name) && !isConstant(name));
    if (inputs.length === 0) for (const name of outputs) constants.add(name);
    if (domain !== '' || cells.has(op)) return { inputs, outputs, kind: 'cell' };
    if (moving.has(op)) return { inputs, outputs, kind: 'move' };
    const kind = inputs.length === 1 ? lookup(kinds, op) : undefined;
    return { inputs, outputs, ...(kind && { kind }) };
  });
}

export function withCells(graph: OnnxGraph, nodes: OnnxNode[], states: readonly string[], next: readonly string[]): OnnxNode[] {
  const outputs = graph.outputs.map(({ name }) => name);
  const constants = new Set([...graph.initializers, ...graph.external].map((one) => one.name));
  const plain = plainNodes(nodes, (name) => constants.has(name));
  const found = unrolledCells(plain, states, outputs, next);
  if (found.length === 0) return nodes;
  const within = new Set(found.flatMap((cell) => cell.nodes));
  const whole = found.map((cell): OnnxNode => {
    const body = cell.nodes.map((i) => nodes[i] as OnnxNode);
    const made = new Set(body.flatMap((node) => node.outputs));
    const inputs = [...new Set(body.flatMap(readsOf))].filter((name) => !made.has(name));
    return { name: body[0]?.name ?? '', op: 'Cell', domain: '', inputs, outputs: cell.next, attributes: new Map(), body };
  });
  return sortNodes({ ...graph, nodes: [...nodes.filter((_, i) => !within.has(i)), ...whole] });
}
