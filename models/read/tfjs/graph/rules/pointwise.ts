/**
 * Rules for functions of one value, arithmetic of two, and softmax.
 *
 * In: TensorFlow operators.  Out: ONNX operators. Source: TensorFlow's nn_ops and math_ops; the functions'
 * names are in models/ops/unary.ts.
 */
import { type ActivationAttrs, powerOf, type UnaryFormat, unaryNames, unaryOf } from '../../../../ops/unary.ts';
import type { Given } from '../../../onnx/apply.ts';
import { refuse } from '../../fail.ts';
import type { NodeDef } from '../nodes.ts';
import type { Rewriter } from '../rewriter.ts';

/** An operator of one value, with its other inputs and its attributes. */
export interface Applied {
  op: string;
  more: string[];
  attributes: Given;
}

const format: UnaryFormat = 'graph';
/** Functions whose parameter is an attribute, with the default. */
const alphaOf: Readonly<Record<string, number>> = { LeakyRelu: 0.2 };
/** Exponents of functions that ONNX expresses as a power. */
const exponents = [2, 0.5, -0.5, -1];

function functionOf(
  rewriter: Rewriter,
  node: NodeDef,
  name: string,
  { fn, alpha, clamp }: ActivationAttrs,
  key: string,
): Applied {
  if (fn === 'identity') {
    const [min, max] = clamp;
    if (max === Number.POSITIVE_INFINITY && min === 0) return { op: 'Relu', more: [], attributes: {} };
    return { op: 'Clip', more: [], attributes: { min: { float: min }, max: { float: max } } };
  }
  const op = unaryOf(fn).onnx;
  const slope = alphaOf[name];
  const parameter = slope === undefined ? alpha : node.number(key, slope);
  const attributes: Given = parameter === undefined ? {} : { alpha: { float: parameter } };
  if (op) return { op, more: [], attributes };
  const exponent = exponents.find((e) => powerOf(e).fn === fn);
  if (exponent === undefined) return refuse(`function ${name} has no operator here`);
  return { op: 'Pow', more: [rewriter.given([exponent], [], 'float32')], attributes: {} };
}

/** Returns the activation `name` that is fused into a node; undefined if it is unknown. */
export function applied(rewriter: Rewriter, node: NodeDef, name: string, slope: string | undefined): Applied | undefined {
  if (name === 'Prelu' && slope !== undefined) return { op: 'PRelu', more: [slope], attributes: {} };
  const known = unaryNames[format].get(name);
  return known && functionOf(rewriter, node, name, known, 'leakyrelu_alpha');
}

export function rewriteUnary(rewriter: Rewriter, node: NodeDef): void {
  const known = unaryNames[format].get(node.op) ?? refuse('the function is not known');
  const { op, more, attributes } = functionOf(rewriter, node, node.op, known, 'alpha');
  rewriter.emit(node, op, [rewriter.input(node, 0), ...more], attributes, true);
}

/** Rewrites an operator that ONNX has with the same inputs. */
export const rewriteAs =
  (op: string, inputs: number) =>
  (rewriter: Rewriter, node: NodeDef): void => {
    const values = Array.from({ length: inputs }, (_, at) => rewriter.input(node, at));
    rewriter.emit(node, op, values, {}, true);
  };

/** Rewrites x / y, which is 0 if y is 0. */
export function rewriteDivNoNan(rewriter: Rewriter, node: NodeDef): void {
  const by = rewriter.input(node, 1);
  const known = rewriter.isConstant(node, 1) ? rewriter.constant(node, 1, 'divisor') : undefined;
  const inverse = known
    ? rewriter.given(Array.from(known.data, unaryOf('inverse').of), [...known.dims], 'float32')
    : rewriter.emit(node, 'Reciprocal', [by], { zero_stays_zero: 1 });
  rewriter.emit(node, 'Mul', [rewriter.input(node, 0), inverse], {}, true);
}

export function rewriteBiasAdd(rewriter: Rewriter, node: NodeDef): void {
  const layout = node.text('data_format', 'NHWC');
  if (layout !== 'NHWC') refuse(`data_format ${layout}: only NHWC is read`);
  rewriteAs('Add', 2)(rewriter, node);
  const split = rewriter.splitOf(rewriter.input(node, 0));
  if (split) rewriter.split(node.name, split);
}

export function rewriteAddN(rewriter: Rewriter, node: NodeDef): void {
  const [first, ...rest] = node.inputs;
  if (rest.length === 0) refuse(`it adds ${node.inputs.length} values`);
  rest.reduce((sum, x, i) => rewriter.emit(node, 'Add', [sum, x], {}, i === rest.length - 1), first ?? '');
}

export function rewriteSquaredDifference(rewriter: Rewriter, node: NodeDef): void {
  const difference = rewriter.emit(node, 'Sub', [rewriter.input(node, 0), rewriter.input(node, 1)]);
  rewriter.emit(node, 'Pow', [difference, rewriter.given([2], [], 'float32')], {}, true);
}

export const rewriteSoftmax = (rewriter: Rewriter, node: NodeDef): void => {
  rewriter.emit(node, 'Softmax', [rewriter.input(node, 0)], { axis: -1 }, true);
};

export const rewriteLogSoftmax = (rewriter: Rewriter, node: NodeDef): void => {
  rewriter.emit(node, 'LogSoftmax', [rewriter.input(node, 0)], { axis: -1 }, true);
};
