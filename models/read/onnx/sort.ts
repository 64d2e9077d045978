/**
 * sortNodes: the nodes that the outputs need, in topological order.
 *
 * In: the file's graph.  Out: its live nodes, each after the nodes that it reads (the file's order is not trusted).
 * Errors: RN154 for a name defined twice, an undefined input, a cycle, a graph without outputs.
 */
import type { OnnxModel, OnnxNode } from './proto.ts';
import { badGraph } from './refuse.ts';

/** Live nodes in topological order; the file's order is kept where it allows. Throws RN154. */
export function sortNodes(model: OnnxModel): OnnxNode[] {
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
    for (const name of node.inputs) {
      if (name !== '' && !producer.has(name)) throw badGraph(`input ${name} is not defined`, node.name);
    }
  }
  if (model.outputs.length === 0) throw badGraph('the graph has no output', 'graph');
  const position = new Map(model.nodes.map((node, i) => [node, i]));
  /** 1: being visited, 2: done. */
  const state = new Map<OnnxNode, 1 | 2>();
  const sorted: OnnxNode[] = [];
  const visit = (root: OnnxNode) => {
    const stack = [{ node: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1) as { node: OnnxNode; next: number };
      if (top.next === 0) state.set(top.node, 1);
      const name = top.node.inputs[top.next++];
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
      if (seen === undefined) stack.push({ node: from, next: 0 });
    }
  };
  const roots: OnnxNode[] = [];
  for (const { name } of model.outputs) {
    if (!producer.has(name)) throw badGraph(`output ${name} is not defined`, 'graph');
    const node = producer.get(name);
    if (node) roots.push(node);
  }
  roots.sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0));
  for (const node of roots) if (!state.has(node)) visit(node);
  return sorted;
}
