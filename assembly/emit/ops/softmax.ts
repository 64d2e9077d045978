/**
 * softmax: one call of softmax_s8 with its table of 256 exponentials, or of softmax_s16 with its two
 * tables.
 */
import { SoftmaxBlock, WideSoftmaxBlock } from '../blocks.ts';
import { throughTable } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';

export const softmax: EmitOp<'softmax'> = {
  name: 'softmax',
  rare: (_attrs, isWide) => isWide,
  files: ['softmax-s16'],
  emit(io, ctx) {
    const { params: p } = io;
    const common = { x: io.x[0]?.address ?? 0, y: io.y, count: io.out.c, table: ctx.table(p.exp), frame_rows: io.out.f };
    if (p.types) {
      const block = ctx.block(WideSoftmaxBlock, {
        ...common,
        inverse: ctx.table(p.inverse),
        ...throughTable(p),
      });
      return [callOf('softmax_s16', block)];
    }
    const block = ctx.block(SoftmaxBlock, common);
    return [callOf('softmax_s8', block)];
  },
};
