/**
 * If: replaces the node by the branch that is taken.
 *
 * In: a graph.  Out: the graph without the Ifs whose condition is constant. A branch reads values of the
 * enclosing graph by name.
 */
import { append } from '../../lists.ts';
import { foldConstant } from './constants.ts';
import type { OnnxGraph, OnnxModel, OnnxNode } from './proto.ts';
import { refuse, Unsupported } from './refuse.ts';
import { sortNodes } from './sort.ts';
import type { Const } from './tensor.ts';

/** Largest number of elements of constants that a condition depends on. A choice: numbers and shapes. */
const maxElements = 64;

export const isIf = ({ op, domain }: OnnxNode): boolean => op === 'If' && domain === '';

/**
 * Returns the nodes of the branch, followed by one Identity for each output of the If.
 * @throws Unsupported if the branch is not valid
 */
export function branchOf(node: OnnxNode, condition: Const): { graph: OnnxGraph; nodes: OnnxNode[] } {
  const taken = node.attributes.get(condition.data[0] ? 'then_branch' : 'else_branch');
  if (condition.data.length !== 1) refuse(`a condition of [${condition.dims.join(', ')}]`);
  if (taken?.kind !== 'graph') return refuse('a branch that is not a graph');
  const { outputs } = taken.value;
  if (outputs.length < node.outputs.length) refuse(`a branch of ${outputs.length} outputs for ${node.outputs.length}`);
  const same = node.outputs.flatMap((output, i): OnnxNode[] =>
    output === '' ? [] : [{ name: `${node.name}/${i}`, op: 'Identity', domain: '', inputs: [outputs[i]?.name ?? ''], outputs: [output], attributes: new Map() }],
  ); // biome-ignore format: one line
  return { graph: taken.value, nodes: [...sortNodes(taken.value, () => true), ...same] };
}

/** Returns the model without the Ifs whose condition is constant. */
export function withBranches(model: OnnxModel): OnnxModel {
  if (!model.nodes.some(isIf)) return model;
  const known = new Map(model.initializers.map(({ name, value }) => [name, value]));
  const whole = { ...model, nodes: [] as OnnxNode[], initializers: [...model.initializers], external: [...model.external] };
  const take = (nodes: readonly OnnxNode[]): void => {
    for (const node of nodes) {
      const condition = known.get(node.inputs[0] ?? '');
      try {
        if (isIf(node) && condition) {
          const { graph, nodes: branch } = branchOf(node, condition);
          for (const { name, value } of graph.initializers) known.set(name, value);
          append(whole.initializers, graph.initializers);
          append(whole.external, graph.external);
          take(branch);
          continue;
        }
        const value = smallConstant(node, known);
        if (value) known.set(node.outputs[0] as string, value);
      } catch (error) {
        // the lowering reports the error
        if (!(error instanceof Unsupported)) throw error;
      }
      whole.nodes.push(node);
    }
  };
  take(sortNodes(model));
  return whole;
}

/** Operators that make a large constant from a small one. */
const enlarging = new Set(['ConstantOfShape', 'Expand']);

function smallConstant(node: OnnxNode, known: ReadonlyMap<string, Const>): Const | undefined {
  if (enlarging.has(node.op)) return undefined;
  const inputs = node.inputs.map((name) => known.get(name));
  if (inputs.some((value, i) => node.inputs[i] !== '' && !(value && value.data.length <= maxElements))) return undefined;
  const value = foldConstant(node, { inputs });
  return value && value.data.length <= maxElements ? value : undefined;
}
