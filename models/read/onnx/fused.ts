/**
 * withoutFusion: FusedConv of onnxruntime's optimiser as the operators that it was made of.
 *
 * In: nodes.  Out: nodes, with Conv, an Add where a fourth input is added, and the activation in its place.
 * Source: onnxruntime contrib operators, com.microsoft.FusedConv.
 */
import { Attributes } from './attributes.ts';
import type { OnnxNode } from './proto.ts';

const parameters: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Tanh: [],
  Sigmoid: [],
  LeakyRelu: ['alpha'],
  Clip: ['min', 'max'],
  HardSigmoid: ['alpha', 'beta'],
};

export const withoutFusion = (nodes: readonly OnnxNode[]): OnnxNode[] =>
  nodes.flatMap((node) => (node.domain === 'com.microsoft' && node.op === 'FusedConv' ? parted(node) : [node]));

function parted(node: OnnxNode): OnnxNode[] {
  const given = new Attributes(node);
  const activation = given.string('activation', '');
  const names = Object.hasOwn(parameters, activation) ? parameters[activation] : undefined;
  const [output] = node.outputs;
  if (!names || output === undefined || output === '') return [node];
  const values = given.floats('activation_params') ?? [];
  const attributes = new Map(names.map((name, i) => [name, { kind: 'float', value: values[i] ?? 0 }] as const));
  const rest = new Map([...node.attributes].filter(([name]) => !name.startsWith('activation')));
  const [x, w, bias, sum] = node.inputs;
  const plain = (op: string, inputs: string[], to: string, own: OnnxNode['attributes'] = new Map()): OnnxNode => ({
    ...node,
    op,
    name: to === output ? node.name : `${node.name}/${op}`,
    domain: '',
    inputs,
    outputs: [to],
    attributes: own,
    from: node.op,
  });
  const inner = (what: string) => `${output}/${what}`;
  const conv = plain(
    'Conv',
    [x, w, bias].filter((name) => name !== undefined),
    inner('conv'),
    rest,
  );
  if (!sum) return [conv, plain(activation, [inner('conv')], output, attributes)];
  return [conv, plain('Add', [inner('conv'), sum], inner('sum')), plain(activation, [inner('sum')], output, attributes)];
}
