/**
 * Lowers products of two activations: MatMul and Einsum.
 *
 * In: two activations.  Out: matmul (models/read/products.ts).  Source: ONNX MatMul-13, Einsum-12.
 */
import type { Layout } from '../../layout.ts';
import { type Matrix, matricesOf, type Operand, type Product, productOf } from '../../products.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import type { Activation, Value } from '../values.ts';

function emit(ctx: Lowering, name: string, a: Operand, b: Operand, tensors: number[]): Product & { tensor: number } {
  const found = productOf(a, b);
  if (typeof found === 'string') return refuse(found);
  return { ...found, tensor: ctx.emit('matmul', found.swapped ? tensors.toReversed() : tensors, found.attrs, name) };
}

/** Lowers [..., rows, k] times [..., k, columns]. @param turned true for an operand that is transposed. */
export function matMulOfTwo(ctx: Lowering, node: NodeView, turned: readonly [boolean, boolean]): Value[] {
  const [x, y] = [ctx.activation(node, 0), ctx.activation(node, 1)];
  const matrix = ({ layout, tensor }: Activation): Matrix => ({ layout, shape: ctx.builder.shape(tensor) });
  const [a, b] = matricesOf([matrix(x), matrix(y)], turned);
  const found = emit(ctx, node.name, a, b, [x.tensor, y.tensor]);
  return [ctx.activationOf(found.tensor, [...found.batch, ...found.own.flat()])];
}

/** Lowers Einsum. Labels of both operands are the batch if the result has them, and summed over otherwise. */
export function einsumOfTwo(ctx: Lowering, node: NodeView): Value[] {
  const equation = node.attributes.string('equation', '').replaceAll(' ', '');
  const [, one = '', other = '', result = ''] = /^([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)$/.exec(equation) ?? [];
  const both = [...one].filter((label) => other.includes(label));
  const shared = both.filter((label) => result.includes(label));
  const of = (labels: string) => [...labels].filter((label) => !both.includes(label));
  // the first operand is the one whose rows come first in the result
  const order = result.indexOf(of(one)[0] ?? '') > result.indexOf(of(other)[0] ?? '') ? [1, 0] : [0, 1];
  const [x, y] = order.map((i) => ctx.activation(node, i)) as [Activation, Activation];
  const [first, second] = order.map((i) => [one, other][i]) as [string, string];
  const ownLabels = [of(first), of(second)];
  const all = [...shared, ...ownLabels.flat()];
  const once = [first, second, result].every((labels) => labels !== '' && new Set(labels).size === labels.length);
  const ranks = first.length === x.layout.length && second.length === y.layout.length;
  if (!once || !ranks || all.length !== result.length || !all.every((label) => result.includes(label)))
    refuse(`equation ${equation.slice(0, 64)}: only a product of two operands, summed over labels of both, is supported`);
  const [a, b] = [x, y].map(({ layout, tensor }, i): Operand => {
    const dims = (labels: readonly string[]): Layout =>
      labels.map((label) => layout[(i === 0 ? first : second).indexOf(label)] ?? []);
    const summed = both.filter((label) => !result.includes(label));
    return { batch: dims(shared), own: dims(ownLabels[i] ?? []), summed: dims(summed), shape: ctx.builder.shape(tensor) };
  }) as [Operand, Operand];
  const found = emit(ctx, node.name, a, b, [x.tensor, y.tensor]);
  const dims = [...found.batch, ...found.own.flat()];
  return [
    ctx.activationOf(
      found.tensor,
      [...result].map((label) => dims[all.indexOf(label)] ?? []),
    ),
  ];
}
