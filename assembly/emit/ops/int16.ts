/**
 * Calls of the kernels of int16 activations, which are the same for all targets. Holds no operator.
 *
 * In: a step one of whose tensors is int16.  Out: its call.  Weights are in the operator's own order.
 */
import type { OpName } from '../../../models/graph/types.ts';
import type { Types } from '../../../quant/ops/int16.ts';
import type { MacParams } from '../../../quant/ops/op.ts';
import { type Call, callOf, type EmitContext, type StepIo } from './op.ts';
import { fetchCall, plainBlock } from './sliding.ts';

/** The end of a kernel's name: what it reads and writes, one of which is int16. */
export const typesSuffix = ({ x, y }: Types): 's16' | 's16_s8' | 's8_s16' => {
  if (x === y) return 's16';
  return x === 'int16' ? 's16_s8' : 's8_s16';
};

/** Bytes of one element that is copied; all types are one. */
export const copiedBytes = (types: Types | undefined): number => (types ? 2 : 1);

/** Biases less what the zero point adds to the products of an output's weights, which lie side by side. */
function withoutZero({ bias, weights, xZero }: MacParams): Int32Array {
  const each = weights.length / bias.length;
  return bias.map((b, o) => b - xZero * weights.subarray(o * each, (o + 1) * each).reduce((sum, w) => sum + w, 0));
}

/** conv, depthwise and dense where one of the types is int16; nothing where all are int8. */
export function int16Call(
  op: 'conv' | 'depthwise' | 'dense',
  io: StepIo<'conv'> | StepIo<'depthwise'> | StepIo<'dense'>,
  ctx: EmitContext,
): Call[] | undefined {
  const { types } = io.params;
  if (!types) return undefined;
  if (io.params.gate) {
    const { bias, weights } = io.params;
    const block = plainBlock(io, { ...io.params, bias: withoutZero(io.params), per: weights.length / bias.length }, ctx);
    return [...fetchCall(ctx, block), callOf('gates_s8_s16', block)];
  }
  const block = plainBlock(io, io.params, ctx);
  return [...fetchCall(ctx, block), callOf(`${op}_${typesSuffix(types)}`, block)];
}

/** Whether integer parameters are those of an operator on int16. */
export const onInt16 = (params: StepIo<OpName>['params'] | undefined): boolean =>
  params !== undefined && 'types' in params && params.types !== undefined;
