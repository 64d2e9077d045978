/** mul: one call of mul_s8 over all elements. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';
import { frameElements } from './sliding.ts';

export const mul: EmitOp<'mul'> = {
  name: 'mul',
  emit(io, ctx) {
    const { params: p } = io;
    const block = ctx.block(B.MUL_BYTES, [
      [B.X, io.x[0]?.address ?? 0],
      [B.Y, io.y],
      [B.COUNT, frameElements(io)],
      [B.X2, p.constant ? ctx.table(p.constant) : (io.x[1]?.address ?? 0)],
      [B.PERIOD, p.constant?.length ?? io.step.outRows * frameElements(io)],
      [B.ZERO1, p.zero1],
      [B.ZERO2, p.zero2],
      [B.B_Y_ZERO, p.yZero],
      [B.B_MIN, p.min],
      [B.B_MAX, p.max],
      [B.MULT_Y, p.scale.multiplier],
      [B.SHIFT_Y, p.scale.shift],
    ]);
    return [{ fn: 'mul_s8', file: 'mul', block }];
  },
};
