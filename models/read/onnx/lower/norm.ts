/**
 * LayerNormalization, SimplifiedLayerNormalization and RMSNormalization, and what a file spells out:
 * layernorm; InstanceNormalization and GroupNormalization.
 *
 * In: an activation, gamma and beta constants.  Out: one node; of statistics over time the single
 * operators, which are computed on whole windows.  Source: ONNX LayerNormalization-17, RMSNormalization-23;
 * SimplifiedLayerNormalization is onnxruntime's name of the latter.
 */
import { noClamp } from '../../../graph/types.ts';
import { fileShapeOf } from '../../layout.ts';
import { normAttrs } from '../../norm/attrs.ts';
import type { Norm } from '../../norm/find.ts';
import type { Constant } from '../../norm/form.ts';
import { constantOf } from '../constants.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn } from '../dims.ts';
import { refuse } from '../refuse.ts';
import type { Activation, Value } from '../values.ts';
import { lowerArithmetic } from './arithmetic.ts';
import { reduce } from './pool.ts';

/** A normalisation over dimensions of the file. */
export function lowerNorm(ctx: Lowering, node: NodeView, norm: Omit<Norm, 'input'>): Value[] {
  const x = ctx.activation(node, 0);
  const dims = norm.axes.map((d) => axisIn(d, x.layout.length));
  const overTime = dims.some((d) => x.layout[d]?.some(({ axis, length }) => axis === 't' && length > 1));
  if (overTime && !ctx.quantised) return [overWindow(ctx, node, x, { ...norm, axes: dims })];
  const attrs = normAttrs(x.layout, norm);
  if (typeof attrs === 'string') return refuse(attrs);
  ctx.budget.spend(attrs.gamma.length + attrs.beta.length, node.name);
  return [ctx.activationOf(ctx.emit('layernorm', [x.tensor], attrs, node.name), x.layout)];
}

/** (x - mean) / sqrt(variance + epsilon) * gamma + beta, operator by operator. */
function overWindow(
  ctx: Lowering,
  node: NodeView,
  x: Activation,
  { axes, centre, epsilon, gamma, beta }: Omit<Norm, 'input'>,
): Activation {
  const part = (op: string, what: string, ...inputs: Value[]): Activation =>
    lowerArithmetic(ctx, { ...node, op, name: `${node.name}/${what}`, inputs, inputNames: ['', ''] })[0] as Activation;
  const mean = (of: Activation, what: string) =>
    reduce(ctx, { ...node, name: `${node.name}/${what}` }, of, [...axes], true, false);
  const constant = ({ dims, data }: Constant): Value => constantOf(Array.from(data), [...dims], 'float32');
  const apart = centre ? part('Sub', 'difference', x, mean(x, 'mean')) : x;
  const variance = mean(part('Mul', 'square', apart, apart), 'variance');
  const above = part('Add', 'epsilon', variance, constant({ dims: [], data: [epsilon] }));
  const root = ctx.emit('activation', [above.tensor], { fn: 'rsqrt', clamp: noClamp }, `${node.name}/root`);
  const unit = part('Mul', 'unit', apart, ctx.activationOf(root, above.layout));
  return part('Add', 'beta', part('Mul', 'gamma', unit, constant(gamma)), constant(beta));
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

/** Of each channel over time and features; GroupNormalization with one group, of all channels too. */
export function lowerInstanceNormalization(ctx: Lowering, node: NodeView): Value[] {
  const { layout } = ctx.activation(node, 0);
  const [, channels = 1] = fileShapeOf(layout);
  const groups = node.op === 'GroupNormalization' ? node.attributes.int('num_groups', 0) : channels;
  node.attributes.ignore('stash_type');
  if (layout.length < 3) refuse(`an input of ${layout.length} dimensions`);
  if (groups !== 1 && groups !== channels)
    refuse(`${groups} groups of ${channels} channels: one, and a group a channel, are read`);
  const values = (at: number, what: string): Constant => {
    const { data } = ctx.constant(node, at, what);
    // before opset 21 a value a group
    if (data.length !== channels && data.length !== groups) refuse(`a ${what} of ${data.length} values for ${channels} channels`);
    return { dims: [data.length, ...layout.slice(2).map(() => 1)], data };
  };
  return lowerNorm(ctx, node, {
    axes: layout.map((_, d) => d).slice(groups === 1 ? 1 : 2),
    centre: true,
    epsilon: node.attributes.float('epsilon', 1e-5),
    gamma: values(1, 'scale'),
    beta: values(2, 'bias'),
  });
}
