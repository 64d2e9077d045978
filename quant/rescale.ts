/**
 * Inserts rescales between int8 and int16, so that operators without int16 form read and write int8.
 *
 * In: a graph with int16 tensors, and the int8 quantisation of each of them, for operators without int16
 * form.  Out: the graph with activations `identity` (QUANTIZE of TensorFlow Lite) inserted. Operators that
 * share one scale are left to quant/legalise.ts.  A sum of int8 and int16 is computed in int16: one int8 step
 * becomes 128 int16 steps, which is exact.
 */
import { RunletError } from '../models/error.ts';
import {
  type Graph,
  isInt16,
  type Node,
  type OpName,
  type QuantParams,
  requantisation,
  type Tensor,
} from '../models/graph/types.ts';
import { intOpOfNode } from './ops/index.ts';
import type { IntOp } from './ops/op.ts';

/** Which types a node accepts if one of its tensors is int16; undefined if it has no int16 form. */
export const int16Form = (node: Node): ReturnType<NonNullable<IntOp<OpName>['int16']>> => intOpOfNode(node).int16?.(node.attrs);

/** The int16 quantisation that represents every int8 value of `quant` exactly. */
export const widened = ({ scale }: QuantParams): QuantParams => ({
  scale: Math.fround(scale / 128),
  zeroPoint: 0,
  type: 'int16',
});

const quantOf = (graph: { tensors: Tensor[] }, id: number): QuantParams => graph.tensors[id]?.quant as QuantParams;

export function withRescales(graph: Graph, int8Of: (tensor: number) => QuantParams): Graph {
  const tensors: Tensor[] = [...graph.tensors];
  const nodes: Node[] = [];
  const made = new Map<string, number>();
  const tensor = (like: number, quant: QuantParams, name: string): number => {
    const id = tensors.length;
    tensors.push({ ...(tensors[like] as Tensor), id, name, quant });
    return id;
  };
  const rescale = (from: number, to: number, name: string) => nodes.push(requantisation(from, to, name));
  /** Returns a tensor with the values of `id` in `quant`, made once for all readers. */
  const read = (id: number, quant: QuantParams): number => {
    const key = `${id} ${quant.scale} ${quant.zeroPoint} ${quant.type}`;
    const before = made.get(key);
    if (before !== undefined) return before;
    const name = `${tensors[id]?.name}/${quant.type ?? 'int8'}`;
    const to = tensor(id, quant, name);
    rescale(id, to, name);
    made.set(key, to);
    return to;
  };
  for (const node of graph.nodes) {
    const all = [...node.inputs, node.output].map((id) => isInt16(quantOf(graph, id)));
    const form = int16Form(node);
    const fits =
      form === 'any' ||
      form === 'own' ||
      intOpOfNode(node).sharesScale?.(node.attrs) !== undefined ||
      (form === 'same' && all.every(Boolean));
    if (fits || !all.some(Boolean)) {
      nodes.push(node);
      continue;
    }
    const wide = form === 'same';
    const given = (id: number) => quantOf(graph, id);
    const wanted = (id: number): QuantParams => {
      if (isInt16(given(id)) === wide) return given(id);
      return wide ? widened(given(id)) : int8Of(id);
    };
    const inputs = node.inputs.map((id) => (wanted(id) === given(id) ? id : read(id, wanted(id))));
    const output = wanted(node.output);
    const stays = output === given(node.output);
    const to = stays ? node.output : tensor(node.output, output, `${node.name}/${output.type ?? 'int8'}`);
    nodes.push({ ...node, inputs, output: to } as Node);
    if (!stays) rescale(to, node.output, `${node.name}/rescale`);
  }
  return { ...graph, tensors, nodes };
}

/**
 * Checks the types of a graph with int16 tensors. @throws RunletError RN440 if an operator has no int16 form,
 * RN441 if the type of an input or output differs from that in the model file
 */
export function checkInt16(graph: Graph): void {
  for (const node of graph.nodes) {
    const all = [...node.inputs, node.output].map((id) => isInt16(quantOf(graph, id)));
    const form = int16Form(node);
    if (!all.some(Boolean) || form === 'any' || form === 'own' || (form === 'same' && all.every(Boolean))) continue;
    throw new RunletError('RN440', {
      what: `${node.op} has no int16 form${form ? ' for a mixture of types' : ''}`,
      where: node.name,
      why: 'its inputs and its output must be int8 (docs/adr/0020)',
      tryThis: 'quantise the float model with --mixed, which puts rescales in between',
    });
  }
  for (const { name, tensor, hostType } of [...graph.inputs, ...graph.outputs]) {
    const held = isInt16(quantOf(graph, tensor)) ? 'int16' : 'int8';
    if (hostType === 'float32' || (hostType === 'int16') === (held === 'int16')) continue;
    throw new RunletError('RN441', {
      what: `the input or output ${name} is ${held}`,
      where: name,
      why: `its type in the model file is ${hostType}`,
      tryThis: 'quantise the float model again',
    });
  }
}
