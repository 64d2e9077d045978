/**
 * Where by a constant, and IsNaN.
 *
 * In: an activation, a constant condition, a constant or a second activation.  Out: sums and products with
 * constants. Formula: where(c, a, b) = c a + (1 - c) b; what is masked before a softmax is a sum with
 * `masked`.
 * Source: ONNX Where-16, IsNaN-20.
 */
import { expand } from '../constants.ts';
import type { Lowering, NodeView } from '../context.ts';
import { broadcastDims } from '../dims.ts';
import { refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';
import { type Activation, dimsOf, type Value } from '../values.ts';
import { lowerArithmetic } from './arithmetic.ts';
import { masked } from './mask.ts';
import { lowerIdentity } from './shape.ts';

const floats = (dims: number[], data: ArrayLike<number>): Const => ({
  kind: 'const',
  type: 'float32',
  dims,
  data: Float32Array.from(data),
});

export function lowerWhere(ctx: Lowering, node: NodeView): Value[] {
  const condition = ctx.constant(node, 0, 'condition');
  const [, a, b] = node.inputs;
  if (condition.data.every((v: number) => v !== 0)) return same(ctx, node, a, b);
  if (condition.data.every((v: number) => v === 0)) return same(ctx, node, b, a);
  const keeps = (yes: boolean): Const =>
    floats(
      condition.dims,
      Array.from(condition.data, (v) => Number((v !== 0) === yes)),
    );
  const both = (op: string, x: Value, y: Value, name: string): Activation => {
    const view = { ...node, op, name: `${node.name}/${name}`, inputs: [x, y], inputNames: ['', ''] };
    const [made] = lowerArithmetic(ctx, view);
    return made?.kind === 'activation' ? made : refuse('it chooses between rows times weights over time');
  };
  if (a?.kind === 'activation' && b?.kind === 'activation')
    return [both('Add', both('Mul', a, keeps(true), 'first'), both('Mul', b, keeps(false), 'second'), 'sum')];
  const [x, constant, kept] = a?.kind === 'activation' ? [a, b, true] : [b, a, false];
  if (x?.kind !== 'activation' || constant?.kind !== 'const')
    return refuse('it chooses between other things than activations and constants');
  const dims = broadcastDims(condition.dims, constant.dims);
  const [chosen, values] = [keeps(kept), constant].map((value) => Array.from(expand(value, dims).data)) as [number[], number[]];
  const rest = values.map((v, i) => (chosen[i] ? 0 : v));
  if (rest.some((v) => v < masked)) return [both('Add', x, floats(dims, rest), 'mask')];
  const left = both('Mul', x, floats(dims, chosen), 'kept');
  return [rest.every((v) => v === 0) ? left : both('Add', left, floats(dims, rest), 'filled')];
}

/** The one that is always chosen, whose shape the other may not enlarge. */
function same(ctx: Lowering, node: NodeView, x: Value | undefined, other: Value | undefined): Value[] {
  if (x?.kind !== 'activation' || other === undefined || other.kind === 'poisoned')
    return refuse('it chooses a constant everywhere');
  const dims = dimsOf(x);
  if (broadcastDims(dims, dimsOf(other)).join() !== dims.join()) refuse('it repeats what it chooses');
  return lowerIdentity(ctx, { ...node, op: 'Identity', inputs: [x] });
}

/** Of finite numbers: nowhere. */
export function lowerIsNaN(ctx: Lowering, node: NodeView): Value[] {
  const dims = dimsOf(ctx.activation(node, 0, { pads: true, integer: true, raw: true })).map(() => 1);
  return [{ kind: 'const', type: 'bool', dims, data: new Uint8Array(1) }];
}
