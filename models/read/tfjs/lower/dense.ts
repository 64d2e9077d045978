/**
 * Dense: fully connected over the last dimension, as an ONNX Gemm that takes inputs of any rank here.
 *
 * In: [..., k] and a kernel [k][units].  Out: [..., units].  Source: Keras' Dense.
 */
import { constantOf } from '../../onnx/constants.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import type { Layer } from '../model.ts';
import { activate } from './pointwise.ts';

export function lowerDense(ctx: Context, layer: Layer, [x]: Value[]): AnyValue {
  const config = new Config(layer);
  const units = config.lengths('units', 1, 0)[0] as number;
  const inputs = ctx.dims(x as Value).at(-1) as number;
  const of = (name: string, dims: number[]) => constantOf(ctx.weight(layer, [name], dims), dims, 'float32');
  const bias = config.boolean('use_bias', true) ? [of('bias', [units])] : [];
  const y = ctx.onnx('Gemm', [x as Value, of('kernel', [inputs, units]), ...bias], {}, layer.name);
  return activate(ctx, layer, y as Value, config.activation());
}
