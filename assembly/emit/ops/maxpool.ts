/**
 * maxpool: one call of maxpool_s8, of maxpool_s8_simd (sixteen channels at a time) or of maxpool_s16; in
 * a fold, maxima of parts of the window.
 */
import { callOf, type EmitOp } from './op.ts';
import { partsCalls, poolResults } from './parts.ts';
import { poolBlock } from './sliding.ts';

export const maxpool: EmitOp<'maxpool'> = {
  name: 'maxpool',
  fusesPool: 'taken',
  emit(io, ctx) {
    if (io.fold) return partsCalls(io, io.fold, ctx, 'globalmax_parts_s8', poolResults(io, ctx));
    const block = poolBlock(io, io.params, ctx);
    if (io.params.types) return [callOf('maxpool_s16', block)];
    return [callOf(ctx.target.vectors && io.out.c >= 16 ? 'maxpool_s8_simd' : 'maxpool_s8', block)];
  },
};
