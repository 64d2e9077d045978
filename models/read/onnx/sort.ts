/**
 * sortNodes: returns the nodes that the outputs need, in topological order.
 *
 * In: the file's graph.  Out: its live nodes, each after the nodes that it reads (the file's order is not
 * trusted). Errors: RN154 for a name defined twice, an undefined input, a cycle, a graph without outputs.
 */
import { append } from '../../lists.ts';
import type { OnnxGraph, OnnxNode } from './proto.ts';
import { badGraph } from './refuse.ts';

/** Returns the names that a node reads: its inputs, and what its branches read from the enclosing graph. */
export function readsOf({ inputs, attributes }: OnnxNode): string[] {
  const named = inputs.filter((name) => name !== '');
  for (const value of attributes.values()) if (value.kind === 'graph') append(named, outerNames(value.value));
  return named;
}

/** Returns the names that a branch reads but does not define. */
function outerNames({ nodes, initializers, external, inputs, outputs }: OnnxGraph): string[] {
  const own = new Set([...initializers, ...external, ...inputs].map(({ name }) => name));
  for (const node of nodes) for (const name of node.outputs) own.add(name);
  return [...nodes.flatMap(readsOf), ...outputs.map(({ name }) => name)].filter((name) => !own.has(name));
}

/**
 * Returns the live nodes in topological order, which is the file's order where possible. Throws RN154.
 * @param isOuter true for names of the enclosing graph of a branch; default: false for all names.
 */
export function sortNodes(model: OnnxGraph, isOuter: (name: string) => boolean = () => false): OnnxNode[] {
  const producer = new Map<string, OnnxNode | null>();
  const define = (name: string, node: OnnxNode | null, where: string) => {
    if (name === '') throw badGraph('a value without a name', where);
    if (producer.has(name)) throw badGraph(`value ${name} is defined twice`, where);
    producer.set(name, node);
  };
  for (const { name } of model.initializers) define(name, null, `initializer ${name}`);
  for (const { name } of model.external) define(name, null, `initializer ${name}`);
  const constants = new Set([...model.initializers, ...model.external].map((i) => i.name));
  const inputs = new Set<string>();
  for (const { name } of model.inputs) {
    if (inputs.has(name)) throw badGraph(`value ${name} is defined twice`, `graph input ${name}`);
    inputs.add(name);
    if (!constants.has(name)) define(name, null, `graph input ${name}`);
  }
  for (const node of model.nodes) {
    for (const name of node.outputs) if (name !== '') define(name, node, node.name);
  }
  for (const node of model.nodes) {
    for (const name of readsOf(node)) {
      if (!producer.has(name) && !isOuter(name)) throw badGraph(`input ${name} is not defined`, node.name);
    }
  }
  if (model.outputs.length === 0) throw badGraph('the graph has no output', 'graph');
  const position = new Map(model.nodes.map((node, i) => [node, i]));
  /** 1: being visited, 2: done. */
  const state = new Map<OnnxNode, 1 | 2>();
  const sorted: OnnxNode[] = [];
  const visit = (root: OnnxNode) => {
    const stack = [{ node: root, reads: readsOf(root), next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1) as { node: OnnxNode; reads: string[]; next: number };
      if (top.next === 0) state.set(top.node, 1);
      const name = top.reads[top.next++];
      if (name === undefined) {
        state.set(top.node, 2);
        sorted.push(top.node);
        stack.pop();
        continue;
      }
      const from = producer.get(name);
      if (!from) continue;
      const seen = state.get(from);
      if (seen === 1) throw badGraph('the graph has a cycle', top.node.name, `it reads ${name}, which depends on it`);
      if (seen === undefined) stack.push({ node: from, reads: readsOf(from), next: 0 });
    }
  };
  const roots: OnnxNode[] = [];
  for (const { name } of model.outputs) {
    if (!producer.has(name) && !isOuter(name)) throw badGraph(`output ${name} is not defined`, 'graph');
    const node = producer.get(name);
    if (node) roots.push(node);
  }
  roots.sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0));
  for (const node of roots) if (!state.has(node)) visit(node);
  return sorted;
}
