/** avgpool: one call of avgpool_s8. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';
import { slidingFields } from './sliding.ts';

export const avgpool: EmitOp<'avgpool'> = {
  name: 'avgpool',
  emit(io, ctx) {
    const { params: p } = io;
    const fields = slidingFields(io, p.geometry, p, p.xZero, ctx);
    const block = ctx.block(B.POOL_BYTES, [...fields, [B.INCLUDE_PAD, p.countIncludePad ? 1 : 0]]);
    return [p.types ? { fn: 'avgpool_s16', file: 'pool-s16', block } : { fn: 'avgpool_s8', file: 'avgpool', block }];
  },
};
