/** mul: one call of mul_s8 over all elements. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';
import { outElements } from './sliding.ts';

export const mul: EmitOp<'mul'> = {
  name: 'mul',
  emit(io, ctx) {
    const { params: p } = io;
    const block = ctx.block(B.MUL_BYTES, [
      [B.X, io.x[0]?.address ?? 0],
      [B.Y, io.y],
      [B.ROWS, io.step.outRows],
      [B.COUNT, outElements(io)],
      [B.X2, p.constant ? ctx.table(p.constant) : (io.x[1]?.address ?? 0)],
      [B.PERIOD, p.constant?.length ?? outElements(io)],
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
