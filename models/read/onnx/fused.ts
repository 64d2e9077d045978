/**
 * Rewrites fused operators of onnxruntime's optimiser to the operators that they consist of.
 *
 * In: a node.  Out: nodes.  Source: onnxruntime contrib operators, com.microsoft.
 */
import { lookup } from '../../lookup.ts';
import { float, type Given, type Instead, int, ints, type Rewrite } from './instead.ts';
import type { OnnxNode } from './proto.ts';
import { refuse } from './refuse.ts';

/** Parameters of activations, in the order of the fused operators. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Tanh: [],
  Sigmoid: [],
  LeakyRelu: ['alpha'],
  Clip: ['min', 'max'],
  HardSigmoid: ['alpha', 'beta'],
};

/** Adds the activation `name` of `x`. */
function activated(made: Instead, name: string, x: string, values: readonly number[]): string {
  const names = lookup(parameters, name) ?? refuse(`activation ${name}`);
  return made.add(name, [x], Object.fromEntries(names.map((one, i) => [one, float(values[i] ?? 0)])));
}

/** Returns the node's attributes without those whose name begins with one of `starts`. */
const without = ({ attributes }: OnnxNode, ...starts: string[]): Given =>
  Object.fromEntries([...attributes].filter(([name]) => !starts.some((start) => name.startsWith(start))));

const added = (made: Instead, x: string | undefined, y: string | undefined): string | undefined =>
  y ? made.add('Add', [x, y]) : x;

/** A sum of two or three values and its normalisation. The list has the inputs of gamma, beta and bias. */
const skipped =
  (op: string, [gamma, beta, bias]: readonly [number, number | undefined, number]): Rewrite =>
  (made, { inputs, outputs }, given) => {
    const two = inputs[bias] ? made.add('Add', [inputs[0], inputs[bias]]) : inputs[0];
    const sum = made.add('Add', [two, inputs[1]], {}, outputs[3]);
    const epsilon = float(given.float('epsilon', 1e-12));
    const parts = [sum, inputs[gamma], beta === undefined ? undefined : inputs[beta]];
    given.finish();
    return made.add(op, parts, { axis: int(-1), epsilon });
  };

/** Converts integer weights [directions][inputs][units] to real LSTM weights [directions][units][inputs]. */
function realWeights(made: Instead, [w, scale, zero]: readonly (string | undefined)[], directions: number): string {
  const each = (x: string) => made.add('Reshape', [x, made.dims(directions, 1, -1)]);
  const number = (x: string | undefined) => made.add('Cast', [x], { to: int(1) });
  const from = zero ? made.add('Sub', [number(w), each(number(zero))]) : number(w);
  return made.add('Transpose', [made.add('Mul', [from, each(scale ?? refuse('its weights have no scale'))])], {
    perm: ints(0, 2, 1),
  });
}

const operators: Readonly<Record<string, Rewrite>> = {
  // its inputs are rounded at every call; nodes.ts records this
  DynamicQuantizeLSTM: (made, node, given) => {
    const [x, w, r, bias, lengths, h, c, peephole, ...parameters] = node.inputs;
    const directions = given.string('direction', 'forward') === 'bidirectional' ? 2 : 1;
    const weights = [w, r].map((own, i) => realWeights(made, [own, ...parameters.slice(2 * i, 2 * i + 2)], directions));
    return made.add('LSTM', [x, ...weights, bias, lengths, h, c, peephole], without(node));
  },
  BiasGelu: (made, { inputs: [x, bias] }) => made.add('Gelu', [added(made, x, bias)]),
  FastGelu: (made, { inputs: [x, bias] }) =>
    made.add('Gelu', [added(made, x, bias)], { approximate: { kind: 'string', value: 'tanh' } }),
  FusedConv: (made, node, given) => {
    const [x, w, bias, sum] = node.inputs;
    const conv = made.add('Conv', [x, w, bias], without(node, 'activation'));
    const whole = sum ? made.add('Add', [conv, sum]) : conv;
    return activated(made, given.string('activation', ''), whole, given.floats('activation_params') ?? []);
  },
  FusedGemm: (made, node, given) => {
    const gemm = made.add('Gemm', node.inputs, without(node, 'activation'));
    const values = ['alpha', 'beta'].map((name) => given.float(`activation_${name}`, 0));
    return activated(made, given.string('activation', ''), gemm, values);
  },
  FusedMatMul: (made, node, given) => {
    const product = made.add('MatMul', node.inputs, without(node, 'alpha'));
    const alpha = given.float('alpha', 1);
    if (alpha !== 1) made.add('Mul', [product, made.number(alpha)]);
    return product;
  },
  Gelu: (made, { inputs }) => made.add('Gelu', inputs),
  QuickGelu: (made, { inputs }, given) => made.add('Swish', inputs, { alpha: float(given.float('alpha', 1.702)) }),
  SkipLayerNormalization: skipped('LayerNormalization', [2, 3, 4]),
  SkipSimplifiedLayerNormalization: skipped('SimplifiedLayerNormalization', [2, undefined, 3]),
};

export const fused: Readonly<Record<string, Rewrite>> = Object.fromEntries(
  Object.entries(operators).map(([name, rewrite]) => [`com.microsoft.${name}`, rewrite]),
);
