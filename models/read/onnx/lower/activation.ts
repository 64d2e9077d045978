/**
 * Lowers functions of one value (models/ops/unary.ts), Clip, Max, Min, PRelu, Pow, Softmax and LogSoftmax.
 *
 * In: one activation; for Max and Min also two.  Out: an activation node. Clamps are fused by foldGraph in
 * float graphs, and here in int8 graphs, into a producer whose scale is not set yet. Source: ONNX Clip-13,
 * Max-13, PRelu-16, Pow-15, Softmax-13, LogSoftmax-13.
 */

import { thenClamp } from '../../../graph/clamp.ts';
import { type ActivationAttrs, type Clamp, noClamp } from '../../../graph/types.ts';
import { softmaxOutput } from '../../../ops/softmax.ts';
import { powerOf, unaryNames } from '../../../ops/unary.ts';
import { showLayout } from '../../layout.ts';
import { softmaxOfRows, turnedScores } from '../../over-time.ts';
import { framesOf, softmaxOverTime } from '../../refused.ts';
import { extremeOf, logOfSoftmax, slopesOf } from '../../spelled.ts';
import { spread } from '../../spread.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn } from '../dims.ts';
import { MixedFloat, refuse } from '../refuse.ts';
import { axisOfDim, type Value, wholeAxis } from '../values.ts';
import { alike } from './arithmetic.ts';

export function lowerClip(ctx: Lowering, node: NodeView): Value[] {
  const bounds = node.inputs.map((bound, i) => (i > 0 && bound?.kind === 'activation' ? i : 0));
  if (bounds.some((i) => i > 0)) return clipped(ctx, node);
  const bound = (at: number, name: string, fallback: number) => {
    const given = ctx.optional(node, at, name);
    if (given && given.data.length !== 1) refuse(`its ${name} has ${given.data.length} elements`);
    const value = given ? (given.data[0] as number) : node.attributes.float(name, fallback);
    return Number.isNaN(value) ? refuse(`its ${name} is not a number`) : value;
  };
  const low = node.attributes.has('min') || node.inputs[1] ? bound(1, 'min', 0) : noClamp[0];
  const high = node.attributes.has('max') || node.inputs[2] ? bound(2, 'max', 0) : noClamp[1];
  if (Number.isNaN(low) || Number.isNaN(high)) refuse('a bound that is not a number');
  return clamped(ctx, node, [Math.min(low, high), high]);
}

/** Lowers Clip with computed bounds as Max and Min. */
function clipped(ctx: Lowering, node: NodeView): Value[] {
  const by = (x: Value | undefined, at: number, op: string): Value | undefined => {
    const bound = node.inputs[at];
    return bound ? lowerExtreme(ctx, { ...node, op, inputs: [x, bound], name: `${node.name}/${op}` })[0] : x;
  };
  return [by(by(node.inputs[0], 1, 'Max'), 2, 'Min') as Value];
}

function clamped(ctx: Lowering, node: NodeView, clamp: Clamp, at = 0): Value[] {
  const x = ctx.activation(node, at, { raw: true });
  if (ctx.quantised && !x.dequantised) {
    const producer = ctx.soleProducer(x.tensor);
    if (!producer || !('clamp' in producer.attrs))
      throw new MixedFloat('its input is not quantised, and no operator before it can take the clamp');
    producer.attrs.clamp = thenClamp(producer.attrs.clamp, clamp);
    return [x];
  }
  return [ctx.activationOf(ctx.emit('activation', [x.tensor], { fn: 'identity', clamp }, node.name), x.layout)];
}

const applied = (ctx: Lowering, node: NodeView, attrs: ActivationAttrs): Value[] => {
  const x = ctx.activation(node, 0);
  return [ctx.activationOf(ctx.emit('activation', [x.tensor], { ...attrs }, node.name), x.layout)];
};

export function lowerUnary(ctx: Lowering, node: NodeView): Value[] {
  const { attributes: given, op } = node;
  // rewritten from a DivNoNan of a TensorFlow graph
  if (given.has('zero_stays_zero')) return applied(ctx, node, { fn: 'inverse', clamp: noClamp });
  const form = unaryNames.onnx.has(`${op}.tanh`) && given.string('approximate', 'none') === 'tanh' ? '.tanh' : '';
  const attrs = unaryNames.onnx.get(op + form) ?? refuse(`operator ${op}`);
  if (attrs.fn === 'identity') return clamped(ctx, node, attrs.clamp);
  return applied(ctx, node, attrs.alpha === undefined ? attrs : { ...attrs, alpha: given.float('alpha', attrs.alpha) });
}

/** Lowers Selu. It has no parameters here, because exporters write the constants of the paper. */
export function lowerSelu(ctx: Lowering, node: NodeView): Value[] {
  for (const [name, fixed] of Object.entries({ alpha: 1.6732632, gamma: 1.050701 })) {
    const value = node.attributes.float(name, fixed);
    if (Math.abs(value - fixed) > 1e-6) refuse(`its ${name} is ${value}; only ${fixed} is supported`);
  }
  return lowerUnary(ctx, node);
}

/** Returns the only value of a constant operand. @param unbounded infinity that it may have, default none. */
function single(ctx: Lowering, node: NodeView, at: number, what: string, unbounded?: number): number {
  const { data } = ctx.constant(node, at, what);
  const value = data[0] as number;
  if (data.length === 0 || data.some((v) => v !== value))
    refuse(`its ${what} has ${data.length} values; one for all is supported`);
  return Number.isFinite(value) || value === unbounded ? value : refuse(`its ${what} is ${value}`);
}

/** Lowers Max and Min of an activation and one number, or of two activations. */
export function lowerExtreme(ctx: Lowering, node: NodeView): Value[] {
  if (node.inputs.length === 2 && node.inputs.every((v) => v?.kind === 'activation')) {
    const [a, b] = [ctx.activation(node, 0), ctx.activation(node, 1)];
    const { pair, layout } = alike(ctx, node, a, b);
    return [ctx.activationOf(extremeOf(ctx.add, pair, node.op === 'Max', node.name), layout)];
  }
  const at = node.inputs.findIndex((v) => v?.kind === 'activation');
  if (node.inputs.length !== 2 || at < 0) return refuse('it takes an activation and a constant');
  const bound = single(ctx, node, 1 - at, 'bound', noClamp[node.op === 'Max' ? 0 : 1]);
  return clamped(ctx, node, node.op === 'Max' ? [bound, noClamp[1]] : [noClamp[0], bound], at);
}

/** Largest number of groups of channels with an exponent of their own. */
const maxExponents = 64;

/** Lowers Pow with one exponent, or with one for each channel: channels of equal exponents become a slice. */
export function lowerPow(ctx: Lowering, node: NodeView): Value[] {
  const exponent = ctx.constant(node, 1, 'exponent');
  if (exponent.data.length === 1 || ctx.quantised) return applied(ctx, node, powerOf(single(ctx, node, 1, 'exponent')));
  const x = ctx.activation(node, 0);
  const laid = spread(x.layout, exponent.dims);
  if (laid?.over !== 'c')
    return refuse(`its exponent has ${exponent.data.length} values; one for all or one per channel is supported`);
  const { places } = laid;
  const channels = ctx.channelsOf(x);
  const powers = Array.from({ length: channels }, (_, c) => exponent.data[places[c % places.length] as number] as number);
  const starts = powers.flatMap((p, c) => (c === 0 || p !== powers[c - 1] ? [c] : []));
  if (!powers.every(Number.isFinite)) refuse('one of its exponents is not finite');
  if (starts.length > maxExponents) refuse(`it has ${starts.length} runs of equal exponents; ${maxExponents} are supported`);
  if (starts.length === 1) return applied(ctx, node, powerOf(powers[0] as number));
  const parts = starts.map((from, i) => {
    const slice = ctx.emit('slice', [x.tensor], { axis: 'c', from, to: starts[i + 1] ?? channels }, `${node.name}/part${i}`);
    return ctx.emit('activation', [slice], powerOf(powers[from] as number), `${node.name}/power${i}`);
  });
  return [ctx.activationOf(ctx.emit('concat', parts, { axis: 'c' }, node.name), x.layout)];
}

/** Lowers PRelu with one slope, or with one for each channel, feature row or frame. */
export function lowerPrelu(ctx: Lowering, node: NodeView): Value[] {
  const slope = ctx.constant(node, 1, 'slope');
  if (slope.data.length === 1 || ctx.quantised)
    return applied(ctx, node, { fn: 'leakyrelu', alpha: single(ctx, node, 1, 'slope'), clamp: noClamp });
  const x = ctx.activation(node, 0);
  const { layout, tensor } = x;
  const laid = spread(layout, slope.dims) ?? refuse(`a slope of [${slope.dims.join(', ')}] for ${showLayout(layout)}`);
  const made = slopesOf(ctx.add, { tensor, c: ctx.channelsOf(x) }, laid, slope.data, node.name);
  return [ctx.activationOf(made, layout)];
}

export function lowerSoftmax(ctx: Lowering, node: NodeView): Value[] {
  const given = ctx.activation(node, 0);
  const rank = given.layout.length;
  // QLinearSoftmax has its opset as an attribute
  const isOneAxis = node.attributes.int('opset', ctx.opset) >= 13;
  const from = axisIn(node.attributes.int('axis', isOneAxis ? -1 : 1), rank);
  // before opset 13 a softmax runs over all dimensions from `axis` on
  const dims = isOneAxis ? [from] : Array.from({ length: rank - from }, (_, i) => from + i);
  const wide = dims.filter((d) => (given.layout[d] ?? []).length > 0);
  if (wide.length > 1) refuse(`a softmax over ${wide.length} dimensions of ${showLayout(given.layout)}`);
  const [at = from] = wide;
  const isOverTime = axisOfDim(given.layout, at, 'c') === 't';
  const turned = isOverTime ? turnedScores(ctx, given, node.name) : undefined;
  const x = turned ? ctx.made(turned) : given;
  const axis = axisOfDim(x.layout, at, 'c');
  if (axis === 't') {
    if (ctx.quantised || ctx.builder.shape(x.tensor).f > 1) refuse(softmaxOverTime(framesOf(x.layout)));
    wholeAxis(x.layout, at, 't');
    return [ctx.made(softmaxOfRows(ctx, x, node.name))];
  }
  if (axis === 'f') refuse(`a softmax over features of ${showLayout(x.layout)}; only channels are supported`);
  wholeAxis(x.layout, at, axis);
  return [ctx.activationOf(ctx.emit('softmax', [x.tensor], { beta: 1 }, node.name), x.layout)];
}

/**
 * Lowers LogSoftmax as the logarithm of a softmax. In a quantised graph its range is [-16, 0], as in
 * TensorFlow Lite's int8 LOG_SOFTMAX. In int8, results below log(1 / 256) come from a probability of 0.
 */
export function lowerLogSoftmax(ctx: Lowering, node: NodeView): Value[] {
  const [x] = lowerSoftmax(ctx, { ...node, name: `${node.name}/softmax` });
  if (x?.kind !== 'activation') return [];
  const tensor = ctx.emit('activation', [x.tensor], logOfSoftmax, node.name);
  const given = [
    [x.tensor, softmaxOutput],
    [tensor, { scale: 16 / 256, zeroPoint: 127 }],
  ] as const;
  for (const [id, quant] of given) Object.assign(ctx.builder.tensors[id] ?? {}, ctx.quantised && { quant });
  return [ctx.activationOf(tensor, x.layout)];
}
