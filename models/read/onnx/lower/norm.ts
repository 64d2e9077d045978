/**
 * Lowers LayerNormalization, SimplifiedLayerNormalization, RMSNormalization, LpNormalization,
 * InstanceNormalization, GroupNormalization, and normalisations in single operators.
 *
 * In: an activation, gamma and beta constants.  Out: one layernorm; for statistics over time single
 * operators, which are computed on whole windows.  Source: ONNX LayerNormalization-17, RMSNormalization-23;
 * SimplifiedLayerNormalization is onnxruntime's name of the latter.
 */
import { dim, fileShapeOf, showLayout } from '../../layout.ts';
import { normAttrs } from '../../norm/attrs.ts';
import type { Norm } from '../../norm/find.ts';
import type { Constant } from '../../norm/form.ts';
import { isOverTime, normOverWindow } from '../../norm/window.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn } from '../dims.ts';
import { refuse } from '../refuse.ts';
import type { Activation, Value } from '../values.ts';

/** Lowers a normalisation over dimensions of the file. */
export function lowerNorm(ctx: Lowering, node: NodeView, norm: Omit<Norm, 'input'>): Value[] {
  const x = ctx.activation(node, 0);
  const dims = [...new Set(norm.axes.map((d) => axisIn(d, x.layout.length)))];
  if (isOverTime(x.layout, dims) && !ctx.quantised) return [overWindow(ctx, node, x, { ...norm, axes: dims })];
  const attrs = normAttrs(x.layout, { ...norm, axes: dims });
  if (typeof attrs === 'string') return refuse(attrs);
  ctx.budget.spend(attrs.gamma.length + attrs.beta.length, node.name);
  return [ctx.activationOf(ctx.emit('layernorm', [x.tensor], attrs, node.name), x.layout)];
}

function overWindow(ctx: Lowering, { name }: NodeView, x: Activation, norm: Omit<Norm, 'input'>): Activation {
  const tensor = normOverWindow(ctx, x, norm, name, (elements) => ctx.budget.spend(elements, name));
  return typeof tensor === 'string' ? refuse(tensor) : ctx.activationOf(tensor, x.layout);
}

/** Lowers LpNormalization of order 2: division by the root of the mean square, times 1 / sqrt(elements). */
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

/**
 * Lowers normalisations over time and features: per channel, or per group of channels, even if one dimension
 * of the file holds all elements of a group.
 */
export function lowerInstanceNormalization(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const { layout } = x;
  const [, channels = 1] = fileShapeOf(layout);
  const groups = node.op === 'GroupNormalization' ? node.attributes.int('num_groups', 0) : channels;
  node.attributes.ignore('stash_type');
  if (layout.length < 3) refuse(`an input of ${layout.length} dimensions`);
  const values = (at: number, what: string): Constant => {
    const { data } = ctx.constant(node, at, what);
    // before opset 21 there is one value per group
    if (data.length !== channels && data.length !== groups) refuse(`a ${what} of ${data.length} values for ${channels} channels`);
    return { dims: [data.length, ...layout.slice(2).map(() => 1)], data };
  };
  const norm = {
    centre: true,
    epsilon: node.attributes.float('epsilon', 1e-5),
    gamma: values(1, 'scale'),
    beta: values(2, 'bias'),
  };
  const isMixed = layout.slice(2).some((factors) => factors.some(({ axis }) => axis === 'c'));
  if (!isMixed && (groups === 1 || groups === channels))
    return lowerNorm(ctx, node, { ...norm, axes: layout.map((_, d) => d).slice(groups === 1 ? 1 : 2) });
  return [overGroups(ctx, node, x, groups, norm)];
}

/** Lowers a normalisation per group of neighbouring channels. */
function overGroups(
  ctx: Lowering,
  node: NodeView,
  x: Activation,
  groups: number,
  norm: Omit<Norm, 'input' | 'axes'>,
): Activation {
  const { t, f, c } = ctx.builder.shape(x.tensor);
  const order = x.layout.flat().filter(({ length }) => length > 1);
  const isWhole = order.reduce((n, { length }) => n * length, 1) === t * f * c && order.findLastIndex(({ axis }) => axis === 'c') === order.filter(({ axis }) => axis === 'c').length - 1; // biome-ignore format: one line
  if (ctx.quantised || c % groups !== 0 || !isWhole) refuse(`${groups} groups of [${showLayout(x.layout)}]`);
  const perChannel = ({ data }: Constant): Constant => ({
    dims: [groups, c / groups, 1, 1],
    data: Float64Array.from({ length: c }, (_, i) => data[Math.floor((i * data.length) / c)] as number),
  });
  const plain = ctx.activationOf(x.tensor, [[], dim('c', groups), dim('c', c / groups), dim('t', t), dim('f', f)]);
  const [gamma, beta] = [perChannel(norm.gamma), perChannel(norm.beta)];
  return ctx.activationOf(overWindow(ctx, node, plain, { ...norm, axes: [2, 3, 4], gamma, beta }).tensor, x.layout);
}
