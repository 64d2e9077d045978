/**
 * normsOf: replaces layer normalisations in single operators by one node each.
 *
 * In: the sorted nodes, initializers and outputs.  Out: nodes. A node in `norms` is a whole normalisation,
 * and reads only its input.  Source: ONNX ReduceMean-18, Pow-15 and others; models/read/norm has the rule.
 */
import { findNorms, type Norm, type Step, type StepKind } from '../norm/find.ts';
import { Attributes } from './attributes.ts';
import { foldConstant } from './constants.ts';
import type { OnnxGraph, OnnxNode } from './proto.ts';
import { Unsupported } from './refuse.ts';
import { readsOf } from './sort.ts';
import type { Const } from './tensor.ts';

const kinds: ReadonlyMap<string, StepKind> = new Map([
  ['Add', 'add'],
  ['Sub', 'sub'],
  ['Mul', 'mul'],
  ['Div', 'div'],
  ['Sqrt', 'root'],
  ['Reciprocal', 'reciprocal'],
  ['Neg', 'negative'],
  ['Identity', 'same'],
]);
const powers: Readonly<Record<number, StepKind>> = { 2: 'square', 0.5: 'root', [-0.5]: 'inverse root', [-1]: 'reciprocal' };
/** Operators that make a constant from constants, and never a large one from a small one. */
const constantOps = new Set(['Constant', 'Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Neg']);

/** Returns the initializers, and the constants that these operators make from them. */
export function constantsOf(nodes: readonly OnnxNode[], { initializers }: Pick<OnnxGraph, 'initializers'>): Map<string, Const> {
  const found = new Map(initializers.map(({ name, value }) => [name, value]));
  for (const node of nodes) {
    if (!constantOps.has(node.op) || !node.inputs.every((name) => name === '' || found.has(name))) continue;
    try {
      const value = foldConstant(node, { inputs: node.inputs.map((name) => found.get(name)) });
      if (value) found.set(node.outputs[0] as string, value);
    } catch (error) {
      // the lowering reports the error
      if (!(error instanceof Unsupported)) throw error;
    }
  }
  return found;
}

/** Returns the step of a mean over known dimensions that stay with length 1; undefined for other means. */
function mean(node: OnnxNode, constants: ReadonlyMap<string, Const>): Step | undefined {
  const attributes = new Attributes(node);
  const axes = attributes.ints('axes') ?? constants.get(node.inputs[1] ?? '')?.data;
  if (!axes || attributes.int('keepdims', 1) !== 1) return undefined;
  return { kind: 'mean', inputs: node.inputs.slice(0, 1), axes: [...axes] };
}

function stepOf(node: OnnxNode, constants: ReadonlyMap<string, Const>): Step | undefined {
  if (node.domain !== '') return undefined;
  if (node.op === 'ReduceMean') return mean(node, constants);
  const { inputs } = node;
  // over all dimensions from 2 on, one or two; tf2onnx writes means over the last dimension like this
  if (node.op === 'GlobalAveragePool') return { kind: 'mean', inputs, axes: [2, -1] };
  if (node.op === 'Pow') {
    const exponent = constants.get(inputs[1] ?? '');
    const kind = exponent?.data.length === 1 ? powers[exponent.data[0] as number] : undefined;
    return kind && { kind, inputs: inputs.slice(0, 1) };
  }
  const kind = kinds.get(node.op);
  return kind && { kind, inputs };
}

export function normsOf(
  nodes: OnnxNode[],
  model: Pick<OnnxGraph, 'initializers' | 'outputs'>,
): { nodes: OnnxNode[]; norms: Map<OnnxNode, Norm> } {
  const constants = constantsOf(nodes, model);
  const quantisedOrFloat = (id: string | number) => {
    const value = constants.get(String(id));
    return value?.quantised ? undefined : value;
  };
  const found = findNorms(
    nodes.map((node) => ({ inputs: readsOf(node), outputs: node.outputs, step: stepOf(node, constants) })),
    model.outputs.map(({ name }) => name),
    quantisedOrFloat,
  );
  const norms = new Map<OnnxNode, Norm>();
  const kept = nodes.flatMap((node, i) => {
    const norm = found.norms.get(i);
    if (!norm) return found.dropped.has(i) ? [] : [node];
    const whole = { ...node, op: 'LayerNormalization', inputs: [String(norm.input)], attributes: new Map() };
    norms.set(whole, norm);
    return [whole];
  });
  return { nodes: kept, norms };
}
