/**
 * Lowers Where, comparisons, Not and IsNaN.
 *
 * In: activations and constants.  Out: sums and products; a comparison gives 1 if it holds, otherwise 0.
 * Formula: where(c, a, b) = c a + (1 - c) b; a > b is max(0, sign(a - b)). A mask before a softmax, with a
 * constant condition, is a sum with `masked`.
 * Source: ONNX Where-16, Greater-13, IsNaN-20.
 */
import { unaryOf } from '../../../ops/unary.ts';
import { masked } from '../../masked.ts';
import { expand } from '../constants.ts';
import type { Lowering, NodeView } from '../context.ts';
import { broadcastDims } from '../dims.ts';
import { refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';
import { type Activation, dimsOf, type Value } from '../values.ts';
import { lowerArithmetic } from './arithmetic.ts';
import { lowerIdentity } from './shape.ts';

const floats = (dims: number[], data: ArrayLike<number>): Const => ({
  kind: 'const',
  type: 'float32',
  dims,
  data: Float32Array.from(data),
});

/** Lowers an arithmetic operator in place of the node. */
function computed(ctx: Lowering, node: NodeView, op: string, x: Value, y: Value, name: string): Activation {
  const view = { ...node, op, name: `${node.name}/${name}`, inputs: [x, y], inputNames: ['', ''] };
  const [made] = lowerArithmetic(ctx, view);
  return made?.kind === 'activation' ? made : refuse('it reads rows times weights over time');
}

const one = (value: number): Const => floats([], [value]);

/** 1 - x. */
const not = (ctx: Lowering, node: NodeView, x: Activation, name: string): Activation =>
  computed(ctx, node, 'Sub', one(1), x, name);

/** Lowers Greater, Less, GreaterOrEqual and LessOrEqual. */
export function lowerComparison(ctx: Lowering, node: NodeView): Value[] {
  if (ctx.quantised) refuse('a comparison, in a quantised graph');
  const [a, b] = node.inputs;
  if (!a || !b) return refuse('it takes two inputs');
  const isStrict = !node.op.endsWith('OrEqual');
  const isGreater = node.op.startsWith('Greater') === isStrict;
  const difference = computed(ctx, node, 'Sub', isGreater ? a : b, isGreater ? b : a, 'difference');
  const attrs = { fn: 'sign', clamp: [0, 1] } as const;
  const holds = { ...difference, tensor: ctx.emit('activation', [difference.tensor], { ...attrs }, node.name) };
  return [isStrict ? holds : not(ctx, node, holds, 'not')];
}

export const lowerNot = (ctx: Lowering, node: NodeView): Value[] => [not(ctx, node, ctx.activation(node, 0), 'not')];

/** Lowers a Where whose condition depends on the signal. Both choices must be finite everywhere. */
function byCondition(ctx: Lowering, node: NodeView, condition: Activation): Value[] {
  const [, a, b] = node.inputs;
  const parts = [a, b].map((x, i): Activation | undefined => {
    if (x?.kind !== 'activation' && x?.kind !== 'const') return refuse('it chooses between inputs that are not values');
    if (x.kind === 'activation' && mayBeInfinite(ctx, x.tensor))
      refuse('it chooses by the signal between values that may not be finite');
    const holds = i === 0 ? condition : not(ctx, node, condition, 'not');
    if (x.kind === 'const' && x.data.every((v: number) => v === 0) && isWithin(x, condition)) return undefined;
    return computed(ctx, node, 'Mul', holds, x, i === 0 ? 'first' : 'second');
  });
  const [first, second] = parts;
  if (first && second) return [computed(ctx, node, 'Add', first, second, 'sum')];
  return [first ?? second ?? refuse('it chooses zero everywhere')];
}

const isWithin = (x: Const, condition: Activation): boolean =>
  broadcastDims(dimsOf(condition), x.dims).join() === dimsOf(condition).join();

/** Checks whether a function before a tensor is not finite for some inputs. */
function mayBeInfinite({ builder }: Lowering, tensor: number): boolean {
  const seen = new Set([tensor]);
  return builder.nodes.toReversed().some((node) => {
    if (!seen.has(node.output)) return false;
    for (const input of node.inputs) seen.add(input);
    return node.op === 'activation' && unaryOf(node.attrs.fn).domain !== undefined;
  });
}

export function lowerWhere(ctx: Lowering, node: NodeView): Value[] {
  if (node.inputs[0]?.kind === 'activation') return byCondition(ctx, node, node.inputs[0]);
  const condition = ctx.constant(node, 0, 'condition');
  const [, a, b] = node.inputs;
  if (condition.data.every((v: number) => v !== 0)) return same(ctx, node, a, b);
  if (condition.data.every((v: number) => v === 0)) return same(ctx, node, b, a);
  const keeps = (yes: boolean): Const =>
    floats(
      condition.dims,
      Array.from(condition.data, (v) => Number((v !== 0) === yes)),
    );
  const both = (op: string, x: Value, y: Value, name: string): Activation => computed(ctx, node, op, x, y, name);
  if (a?.kind === 'activation' && b?.kind === 'activation')
    return [both('Add', both('Mul', a, keeps(true), 'first'), both('Mul', b, keeps(false), 'second'), 'sum')];
  const [x, constant, kept] = a?.kind === 'activation' ? [a, b, true] : [b, a, false];
  if (x?.kind !== 'activation' || constant?.kind !== 'const')
    return refuse('it chooses between inputs that are not activations or constants');
  const dims = broadcastDims(condition.dims, constant.dims);
  const [chosen, values] = [keeps(kept), constant].map((value) => Array.from(expand(value, dims).data)) as [number[], number[]];
  const rest = values.map((v, i) => (chosen[i] ? 0 : v));
  if (rest.some((v) => v < masked)) return [both('Add', x, floats(dims, rest), 'mask')];
  const left = both('Mul', x, floats(dims, chosen), 'kept');
  return [rest.every((v) => v === 0) ? left : both('Add', left, floats(dims, rest), 'filled')];
}

/** Returns the input that is always chosen. Refuses if the other input would enlarge its shape. */
function same(ctx: Lowering, node: NodeView, x: Value | undefined, other: Value | undefined): Value[] {
  if (x?.kind !== 'activation' || other === undefined || other.kind === 'poisoned')
    return refuse('it chooses a constant everywhere');
  const dims = dimsOf(x);
  if (broadcastDims(dims, dimsOf(other)).join() !== dims.join()) refuse('it repeats what it chooses');
  return lowerIdentity(ctx, { ...node, op: 'Identity', inputs: [x] });
}

/** Lowers IsNaN to a constant false: all numbers are finite. */
export function lowerIsNaN(ctx: Lowering, node: NodeView): Value[] {
  const dims = dimsOf(ctx.activation(node, 0, { pads: true, integer: true, raw: true })).map(() => 1);
  return [{ kind: 'const', type: 'bool', dims, data: new Uint8Array(1) }];
}
