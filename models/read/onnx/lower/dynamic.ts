/**
 * Lowers DynamicQuantizeLinear, MatMulInteger and ConvInteger: dynamic quantisation is read as the float
 * network that it approximates.
 *
 * In: a float activation, integer weights.  Out: the activation itself with scale 1 and zero point 0, and
 * layers with real weights. The product of scales after a layer is then the scale of its weights. The file's
 * engine computes activation scales at every call; Runlet sets them once, by calibration.  Source:
 * ONNX DynamicQuantizeLinear-11, MatMulInteger-10, ConvInteger-10.
 */
import { constantOf } from '../constants.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';
import type { Value } from '../values.ts';
import { lowerConv } from './conv.ts';
import { lowerMatMul } from './dense.ts';

export function lowerDynamicQuantize(ctx: Lowering, node: NodeView): Value[] {
  return [ctx.activation(node, 0), constantOf([1], [], 'float32'), constantOf([0], [], 'uint8')];
}

/** Lowers a layer with real weights: the integer weights minus their zero point. */
export function lowerIntegerLayer(ctx: Lowering, node: NodeView): Value[] {
  ctx.hybrid.push(node.name);
  if (node.inputs[1]?.kind === 'activation') return lowerMatMul(ctx, { ...node, inputs: node.inputs.slice(0, 2) });
  const [w, zero] = [ctx.constant(node, 1, 'weights'), ctx.optional(node, 3, 'zero point of the weights')];
  if (ctx.optional(node, 2, 'zero point')?.data.some((v) => v !== 0)) refuse('its input is not quantised dynamically');
  ctx.budget.spend(w.data.length, node.name);
  const zeros = zero?.data ?? [0];
  const last = w.dims.at(-1) as number;
  const inner = node.op === 'ConvInteger' ? w.data.length / (w.dims[0] as number) : last;
  const channel = (i: number): number => (zeros.length === 1 ? 0 : node.op === 'ConvInteger' ? Math.floor(i / inner) : i % inner);
  const data = Float32Array.from(w.data, (v, i) => v - (zeros[channel(i)] as number));
  const weights: Const = { kind: 'const', type: 'float32', dims: w.dims, data };
  const real = { ...node, inputs: [node.inputs[0], weights] };
  return node.op === 'ConvInteger' ? lowerConv(ctx, real) : lowerMatMul(ctx, real);
}
