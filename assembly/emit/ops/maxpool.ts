/** maxpool: one call of maxpool_s8, or of maxpool_s8_simd, which takes sixteen channels at a time. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';
import { slidingFields } from './sliding.ts';

export const maxpool: EmitOp<'maxpool'> = {
  name: 'maxpool',
  emit(io, ctx) {
    const { params: p } = io;
    const fields = slidingFields(io, p.geometry, p, p.xZero, ctx);
    const block = ctx.block(B.POOL_BYTES, [...fields, [B.INCLUDE_PAD, p.countIncludePad ? 1 : 0]]);
    if (p.types) return [{ fn: 'maxpool_s16', file: 'pool-s16', block }];
    return [
      ctx.target === 'simd' && io.out.c >= 16
        ? { fn: 'maxpool_s8_simd', file: 'maxpool-simd', block }
        : { fn: 'maxpool_s8', file: 'maxpool', block },
    ];
  },
};
