/** softmax: one call of softmax_s8 with its table of 256 exponentials. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';

export const softmax: EmitOp<'softmax'> = {
  name: 'softmax',
  emit(io, ctx) {
    const block = ctx.block(B.TABLE_BYTES, [
      [B.X, io.x[0]?.address ?? 0],
      [B.Y, io.y],
      [B.COUNT, io.out.c],
      [B.S_ROWS, io.out.f],
      [B.TABLE, ctx.table(io.params.exp)],
    ]);
    return [{ fn: 'softmax_s8', file: 'softmax', block }];
  },
};
