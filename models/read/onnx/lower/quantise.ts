/**
 * Lowers QuantizeLinear and DequantizeLinear of activations.
 *
 * In: a QDQ graph.  Out: no node if the producer can give the integers itself; a requantisation if a tensor
 * changes its scale. uint8 becomes int8 by shifting the zero point by 128. Source: ONNX QuantizeLinear-21,
 * TensorFlow Lite 8-bit specification (which operators share one scale). Exact for a maximum, a join and a
 * move, because they commute with quantisation.
 */
import { type Node, noClamp, type QuantParams, sameParams } from '../../../graph/types.ts';
import { append } from '../../../lists.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import { elementTypes } from '../tensor.ts';
import type { Value } from '../values.ts';

interface Params {
  quant: QuantParams;
  type: 'int8' | 'uint8';
}

function paramsOf(ctx: Lowering, node: NodeView): Params {
  const scale = ctx.constant(node, 1, 'scale');
  const zeroPoint = ctx.optional(node, 2, 'zero point');
  node.attributes.ignore('axis', 'saturate');
  if (node.attributes.int('block_size', 0) !== 0) refuse('blocked quantisation');
  const asked = node.attributes.int('output_dtype', 0);
  const type = zeroPoint?.type ?? (node.op === 'QuantizeLinear' && asked !== 0 ? elementTypes[asked] : 'uint8');
  if (type !== 'int8' && type !== 'uint8') return refuse(`activations of type ${type}; int8 and uint8 are supported`);
  if (scale.data.length !== 1 || (zeroPoint && zeroPoint.data.length !== 1))
    return refuse('activations with a scale per channel');
  const value = scale.data[0] as number;
  if (!(value > 0 && Number.isFinite(value))) refuse(`a scale of ${value}`);
  const zero = zeroPoint?.data[0] ?? 0;
  return { quant: { scale: value, zeroPoint: type === 'uint8' ? zero - 128 : zero }, type };
}

export function lowerQuantize(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, { pads: true, raw: true });
  const { quant, type } = paramsOf(ctx, node);
  const existing = ctx.quantOf(x.tensor);
  if (existing && !x.dequantised && !sameParams(existing, quant)) refuse('its input is quantised twice, with two scales');
  const tensor = settle(ctx, x.tensor, quant, node.name);
  return [{ ...x, tensor, dequantised: false, integer: type }];
}

export function lowerDequantize(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, { pads: true, integer: true });
  const { quant, type } = paramsOf(ctx, node);
  const zeroPointMissing = node.inputs[2] === undefined;
  const shifted = zeroPointMissing && x.integer === 'int8' ? { scale: quant.scale, zeroPoint: 0 } : quant;
  if (!x.integer || (!zeroPointMissing && x.integer !== type))
    return refuse('its input and its zero point have different integer types');
  const tensor = ctx.builder.tensors[x.tensor];
  if (!tensor) return refuse('its input is no tensor');
  if (!tensor.quant) tensor.quant = shifted;
  if (!sameParams(tensor.quant, shifted)) refuse('its scale or zero point differs from that of the QuantizeLinear before it');
  const { integer: _, ...rest } = x;
  return [{ ...rest, dequantised: true }];
}

/**
 * Sets the scale of `tensor` to `quant`. Returns the tensor with that scale, which is a new one if a
 * requantisation is needed.
 */
function settle(ctx: Lowering, tensor: number, quant: QuantParams, name: string): number {
  const target = ctx.builder.tensors[tensor];
  if (!target) return refuse('its input is no tensor');
  if (target.quant) return sameParams(target.quant, quant) ? tensor : requantise(ctx, tensor, quant, name);
  const producer = ctx.builder.nodes.findLast((n) => n.output === tensor);
  const inputs = producer?.inputs.map((id) => ctx.quantOf(id)) ?? [];
  switch (producer?.op) {
    case 'slice':
    case 'maxpool':
    case 'globalmax': {
      const [own] = inputs;
      if (!own) settle(ctx, producer.inputs[0] as number, quant, name);
      else if (!sameParams(own, quant)) return after(ctx, tensor, own, quant, name);
      break;
    }
    case 'avgpool': {
      const [own] = inputs;
      if (own && !sameParams(own, quant) && !toDepthwise(ctx, producer)) return after(ctx, tensor, own, quant, name);
      break;
    }
    case 'softmax': {
      const fixed = { scale: 1 / 256, zeroPoint: -128 };
      if (!sameParams(fixed, quant)) return after(ctx, tensor, fixed, quant, name);
      break;
    }
    case 'concat':
      producer.inputs = producer.inputs.map((id, i) => joined(ctx, producer, id, inputs[i], quant, `${name}/${i}`));
      break;
  }
  target.quant = quant;
  return tensor;
}

/** Sets the scale of `tensor` to `own`, and adds a requantisation to `quant` after it. */
function after(ctx: Lowering, tensor: number, own: QuantParams, quant: QuantParams, name: string): number {
  const target = ctx.builder.tensors[tensor];
  if (target) target.quant = own;
  return requantise(ctx, tensor, quant, name);
}

function requantise(ctx: Lowering, tensor: number, quant: QuantParams, name: string): number {
  const output = ctx.emit('activation', [tensor], { fn: 'identity', clamp: noClamp }, name);
  const target = ctx.builder.tensors[output];
  if (target) target.quant = quant;
  return output;
}

/** Gives an input the scale of its join, before which it may requantise: Q(join(a, b)) = join(Q(a), Q(b)). */
function joined(
  ctx: Lowering,
  concat: Node,
  input: number,
  own: QuantParams | undefined,
  quant: QuantParams,
  name: string,
): number {
  if (own && sameParams(own, quant)) return input;
  const { nodes } = ctx.builder;
  const before = nodes.length;
  const output = own ? requantise(ctx, input, quant, name) : settle(ctx, input, quant, name);
  const [added, join] = [nodes.splice(before), nodes.splice(nodes.indexOf(concat))];
  append(nodes, added);
  append(nodes, join);
  return output;
}

/**
 * Replaces an average pooling whose input and output scales differ by a depthwise convolution with weights
 * 1 / kernel: one rounding instead of two. Returns false if it is too large or its divisor leaves out
 * padding.
 */
function toDepthwise(ctx: Lowering, node: Node): boolean {
  if (node.op !== 'avgpool') return false;
  const { countIncludePad, ...attrs } = node.attrs;
  const padded = [...attrs.padT, ...attrs.padF].some((p) => p > 0);
  if (padded && !countIncludePad) return false;
  const { c } = ctx.builder.shape(node.inputs[0] as number);
  const places = attrs.kernelT * attrs.kernelF;
  if (places * c > 1 << 20) return false;
  const weights = {
    data: new Int8Array(places * c).fill(127),
    scales: new Float64Array([Math.fround(1 / (127 * places))]),
    scaleRule: 'per-channel' as const,
  };
  const index = ctx.builder.nodes.indexOf(node);
  ctx.builder.nodes[index] = {
    ...node,
    op: 'depthwise',
    attrs: { ...attrs, dilationT: 1, dilationF: 1, multiplier: 1, weights, bias: null },
  };
  return true;
}
