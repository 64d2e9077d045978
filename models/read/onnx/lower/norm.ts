/**
 * LayerNormalization, SimplifiedLayerNormalization and RMSNormalization, and what a file spells out: layernorm.
 *
 * In: an activation, gamma and beta constants.  Out: one node.  Source: ONNX LayerNormalization-17, RMSNormalization-23;
 * SimplifiedLayerNormalization is onnxruntime's name of the latter.
 */
import { normAttrs } from '../../norm/attrs.ts';
import type { Norm } from '../../norm/find.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn } from '../dims.ts';
import { refuse } from '../refuse.ts';
import type { Value } from '../values.ts';

/** A normalisation over dimensions of the file. */
export function lowerNorm(ctx: Lowering, node: NodeView, norm: Omit<Norm, 'input'>): Value[] {
  const x = ctx.activation(node, 0);
  const attrs = normAttrs(x.layout, norm);
  if (typeof attrs === 'string') return refuse(attrs);
  ctx.budget.spend(attrs.gamma.length + attrs.beta.length, node.name);
  return [ctx.activationOf(ctx.emit('layernorm', [x.tensor], attrs, node.name), x.layout)];
}

/** LpNormalization of order 2: what the root of the mean square divides, times 1 / sqrt(elements). */
export function lowerLpNormalization(ctx: Lowering, node: NodeView): Value[] {
  const { layout } = ctx.activation(node, 0);
  if (node.attributes.int('p', 2) !== 2) refuse('p = 1');
  const axis = axisIn(node.attributes.int('axis', -1), layout.length);
  const count = (layout[axis] ?? []).reduce((n, f) => n * f.length, 1);
  const one = (v: number) => ({ dims: [], data: Float64Array.of(v) });
  return lowerNorm(ctx, node, { axes: [axis], centre: false, epsilon: 0, gamma: one(1 / Math.sqrt(count)), beta: one(0) });
}

export function lowerLayerNormalization(ctx: Lowering, node: NodeView): Value[] {
  const { attributes } = node;
  const { layout } = ctx.activation(node, 0);
  const first = axisIn(attributes.int('axis', -1), layout.length);
  attributes.ignore('stash_type');
  if (node.outputs.slice(1).some((name) => name !== '')) refuse('its mean and deviation are used');
  const centre = node.op === 'LayerNormalization';
  return lowerNorm(ctx, node, {
    axes: layout.map((_, i) => i).slice(first),
    centre,
    epsilon: attributes.float('epsilon', 1e-5),
    gamma: ctx.constant(node, 1, 'scale'),
    beta: (centre ? ctx.optional(node, 2, 'bias') : undefined) ?? { dims: [], data: [0] },
  });
}
