/** activation: one call of activation_s8 with its table of 256 bytes; with int16 on a side, of the kernel that computes it. */
import type { ActivationParams } from '../../../quant/ops/op.ts';
import * as B from '../../kernels/block.ts';
import { typesSuffix } from './int16.ts';
import type { EmitContext, EmitOp, StepIo } from './op.ts';
import { frameElements } from './sliding.ts';

function int16Block(io: StepIo<'activation'>, p: Exclude<ActivationParams, { table: Int8Array }>, ctx: EmitContext): number {
  return ctx.block(B.ADD_BYTES, [
    [B.X, io.x[0]?.address ?? 0],
    [B.Y, io.y],
    [B.COUNT, frameElements(io)],
    [B.ZERO1, p.xZero],
    [B.B_Y_ZERO, p.yZero],
    [B.B_MIN, p.min],
    [B.B_MAX, p.max],
    [B.MULT1, p.above.multiplier],
    [B.SHIFT1, p.above.shift],
    [B.MULT2, p.below.multiplier],
    [B.SHIFT2, p.below.shift],
    [B.NEGATE, p.below.negate ? 1 : 0],
  ]);
}

export const activation: EmitOp<'activation'> = {
  name: 'activation',
  emit(io, ctx) {
    const { params: p } = io;
    if (p.types) return [{ fn: `activation_${typesSuffix(p.types)}`, file: 'elements-s16', block: int16Block(io, p, ctx) }];
    const block = ctx.block(B.TABLE_BYTES, [
      [B.X, io.x[0]?.address ?? 0],
      [B.Y, io.y],
      [B.COUNT, frameElements(io)],
      [B.TABLE, ctx.table(p.table)],
    ]);
    return [{ fn: 'activation_s8', file: 'activation', block }];
  },
};
