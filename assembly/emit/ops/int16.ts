/**
 * Calls of the kernels of int16 activations, which are the same for all targets. Holds no operator.
 *
 * In: a step one of whose tensors is int16.  Out: its call.  Weights are in the operator's own order.
 */
import type { OpName } from '../../../models/graph/types.ts';
import type { Types } from '../../../quant/ops/int16.ts';
import type { CurveParams } from '../../../quant/ops/op.ts';
import { foldedBias } from '../targets/tiles.ts';
import { type Call, callOf, type EmitContext, type StepIo } from './op.ts';
import { fetchCall, plainBlock } from './sliding.ts';

/** The end of a kernel's name: what it reads and writes, one of which is int16. */
export const typesSuffix = ({ x, y }: Types): 's16' | 's16_s8' | 's8_s16' => {
  if (x === y) return 's16';
  return x === 'int16' ? 's16_s8' : 's8_s16';
};

/** Fields of a block: the input to steps of a table, what is read there to the output. */
export const throughTable = ({ input, output, min, max }: Pick<CurveParams, 'input' | 'output' | 'min' | 'max'>) => ({
  mult1: input.multiplier,
  shift1: input.shift,
  mult_y: output.multiplier,
  shift_y: output.shift,
  min,
  max,
});

/** Bytes of one element that is copied; all types are one. */
export const copiedBytes = (types: Types | undefined): number => (types ? 2 : 1);

/** conv, depthwise and dense where one of the types is int16; nothing where all are int8. */
export function int16Call(
  op: 'conv' | 'depthwise' | 'dense',
  io: StepIo<'conv'> | StepIo<'depthwise'> | StepIo<'dense'>,
  ctx: EmitContext,
): Call[] | undefined {
  const { types } = io.params;
  if (!types) return undefined;
  if (io.params.gate) {
    // weights of an output lie side by side
    const [outputs, per] = [io.out.c, io.params.weights.length / io.out.c];
    const bias = foldedBias(io.params, { groups: 1, outputs, taps: per, at: (o, i) => o * per + i });
    const block = plainBlock(io, { ...io.params, bias, per }, ctx);
    return [...fetchCall(ctx, block), callOf('gates_s8_s16', block)];
  }
  const block = plainBlock(io, io.params, ctx);
  return [...fetchCall(ctx, block), callOf(`${op}_${typesSuffix(types)}`, block)];
}

/** Whether integer parameters are those of an operator on int16. */
export const onInt16 = (params: StepIo<OpName>['params'] | undefined): boolean =>
  params !== undefined && 'types' in params && params.types !== undefined;
