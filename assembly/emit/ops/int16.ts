/**
 * Calls of the kernels for int16 activations, which are the same for all targets. Helpers only, no operator.
 *
 * In: a step with an int16 tensor.  Out: its call.  Weights are in the operator's order.
 */
import type { OpName } from '../../../models/graph/types.ts';
import type { Types } from '../../../quant/ops/int16.ts';
import type { CurveParams } from '../../../quant/ops/op.ts';
import { foldedBias } from '../targets/tiles.ts';
import { type Call, callOf, type EmitContext, type StepIo } from './op.ts';
import { fetchCall, plainBlock } from './sliding.ts';

/** Returns the end of a kernel's name: the types of its input and output, at least one of them int16. */
export const typesSuffix = ({ x, y }: Types): 's16' | 's16_s8' | 's8_s16' => {
  if (x === y) return 's16';
  return x === 'int16' ? 's16_s8' : 's8_s16';
};

/** Returns fields of a block with a table: scales from the input to it, and from it to the output. */
export const throughTable = ({ input, output, min, max }: Pick<CurveParams, 'input' | 'output' | 'min' | 'max'>) => ({
  mult1: input.multiplier,
  shift1: input.shift,
  mult_y: output.multiplier,
  shift_y: output.shift,
  min,
  max,
});

/** Returns the bytes of one copied element. All tensors of a copy have one type. */
export const copiedBytes = (types: Types | undefined): number => (types ? 2 : 1);

/** Returns the calls of conv, depthwise or dense if a type is int16; undefined if all are int8. */
export function int16Call(
  op: 'conv' | 'depthwise' | 'dense',
  io: StepIo<'conv'> | StepIo<'depthwise'> | StepIo<'dense'>,
  ctx: EmitContext,
): Call[] | undefined {
  const { types } = io.params;
  if (!types) return undefined;
  if (io.params.gate) {
    // the weights of an output are adjacent
    const [outputs, per] = [io.out.c, io.params.weights.length / io.out.c];
    const bias = foldedBias(io.params, { groups: 1, outputs, taps: per, at: (o, i) => o * per + i });
    const block = plainBlock(io, { ...io.params, bias, per }, ctx);
    return [...fetchCall(ctx, block), callOf('gates_s8_s16', block)];
  }
  const block = plainBlock(io, io.params, ctx);
  return [...fetchCall(ctx, block), callOf(`${op}_${typesSuffix(types)}`, block)];
}

/** Checks whether parameters are those of an operator on int16. */
const _onInt16 = (params: StepIo<OpName>['params'] | undefined): boolean =>
  params !== undefined && 'types' in params && params.types !== undefined;
