/** add: one call of add_s8 over all elements. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';
import { frameElements } from './sliding.ts';

export const add: EmitOp<'add'> = {
  name: 'add',
  emit(io, ctx) {
    const { params: p } = io;
    const block = ctx.block(B.ADD_BYTES, [
      [B.X, io.x[0]?.address ?? 0],
      [B.Y, io.y],
      [B.COUNT, frameElements(io)],
      [B.X2, p.constant ? ctx.table(p.constant) : (io.x[1]?.address ?? 0)],
      [B.PERIOD, p.constant?.length ?? io.step.outRows * frameElements(io)],
      [B.ZERO1, p.x1.zero],
      [B.ZERO2, p.x2.zero],
      [B.B_Y_ZERO, p.y.zero],
      [B.B_MIN, p.min],
      [B.B_MAX, p.max],
      [B.MULT_Y, p.y.multiplier],
      [B.SHIFT_Y, p.y.shift],
      [B.MULT1, p.x1.multiplier],
      [B.SHIFT1, p.x1.shift],
      [B.MULT2, p.x2.multiplier],
      [B.SHIFT2, p.x2.shift],
    ]);
    return [p.types ? { fn: 'add_s16', file: 'elements-s16', block } : { fn: 'add_s8', file: 'add', block }];
  },
};
