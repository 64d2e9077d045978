/**
 * Relu, Clip, LeakyRelu, Sigmoid, Tanh, HardSwish and Softmax.
 *
 * In: one activation.  Out: an activation node; clamps are fused by foldGraph (float graphs) or here (int8 graphs, into the
 * producer whose scale is not fixed yet). Source: ONNX Clip-13, LeakyRelu-16, HardSwish-14, Softmax-13.
 */

import { thenClamp } from '../../../graph/clamp.ts';
import { type ActivationFn, type Clamp, noClamp } from '../../../graph/types.ts';
import { lookup } from '../../../lookup.ts';
import { showLayout } from '../../layout.ts';
import { framesOf, softmaxOverTime } from '../../refused.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn } from '../dims.ts';
import { MixedFloat, refuse } from '../refuse.ts';
import { axisOfDim, type Value, wholeAxis } from '../values.ts';

export const lowerRelu = (ctx: Lowering, node: NodeView): Value[] => clamped(ctx, node, [0, Number.POSITIVE_INFINITY]);

export function lowerClip(ctx: Lowering, node: NodeView): Value[] {
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

function clamped(ctx: Lowering, node: NodeView, clamp: Clamp): Value[] {
  const x = ctx.activation(node, 0, { raw: true });
  if (ctx.quantised && !x.dequantised) {
    const producer = ctx.soleProducer(x.tensor, node.inputNames[0] ?? '');
    if (!producer || !('clamp' in producer.attrs))
      throw new MixedFloat('its input is not quantised, and no operator before it can take the clamp');
    producer.attrs.clamp = thenClamp(producer.attrs.clamp, clamp);
    return [x];
  }
  return [ctx.activationOf(ctx.emit('activation', [x.tensor], { fn: 'identity', clamp }, node.name), x.layout)];
}

const functions: Readonly<Record<string, ActivationFn>> = {
  LeakyRelu: 'leakyrelu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  HardSwish: 'hardswish',
};

export function lowerActivation(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const fn = lookup(functions, node.op) ?? refuse(`operator ${node.op}`);
  const attrs = fn === 'leakyrelu' ? { fn, alpha: node.attributes.float('alpha', 0.01), clamp: noClamp } : { fn, clamp: noClamp };
  return [ctx.activationOf(ctx.emit('activation', [x.tensor], attrs, node.name), x.layout)];
}

export function lowerSoftmax(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const rank = x.layout.length;
  const from = axisIn(node.attributes.int('axis', ctx.opset >= 13 ? -1 : 1), rank);
  // before opset 13 everything from `axis` on is one row
  const dims = ctx.opset >= 13 ? [from] : Array.from({ length: rank - from }, (_, i) => from + i);
  const wide = dims.filter((d) => (x.layout[d] ?? []).length > 0);
  if (wide.length > 1) refuse(`a softmax over ${wide.length} dimensions of ${showLayout(x.layout)}`);
  const [at = from] = wide;
  const axis = axisOfDim(x.layout, at);
  if (axis === 't') refuse(softmaxOverTime(framesOf(x.layout)));
  if (axis === 'f') refuse(`a softmax over features of ${showLayout(x.layout)}; only channels are supported`);
  wholeAxis(x.layout, at, axis);
  return [ctx.activationOf(ctx.emit('softmax', [x.tensor], { beta: 1 }, node.name), x.layout)];
}
