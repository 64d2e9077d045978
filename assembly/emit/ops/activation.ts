/** activation: one call of activation_s8 with its table of 256 bytes. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';
import { frameElements } from './sliding.ts';

export const activation: EmitOp<'activation'> = {
  name: 'activation',
  emit(io, ctx) {
    const block = ctx.block(B.TABLE_BYTES, [
      [B.X, io.x[0]?.address ?? 0],
      [B.Y, io.y],
      [B.COUNT, frameElements(io)],
      [B.TABLE, ctx.table(io.params.table)],
    ]);
    return [{ fn: 'activation_s8', file: 'activation', block }];
  },
};
