/** softmax: one call of softmax_s8 with its table of 256 exponentials. */
import { SoftmaxBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';

export const softmax: EmitOp<'softmax'> = {
  name: 'softmax',
  emit(io, ctx) {
    const block = ctx.block(SoftmaxBlock, {
      x: io.x[0]?.address ?? 0,
      y: io.y,
      count: io.out.c,
      table: ctx.table(io.params.exp),
      frame_rows: io.out.f,
    });
    return [callOf('softmax_s8', block)];
  },
};
