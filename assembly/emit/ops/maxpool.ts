/** maxpool: one call of maxpool_s8. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';
import { slidingFields } from './sliding.ts';

export const maxpool: EmitOp<'maxpool'> = {
  name: 'maxpool',
  emit(io, ctx) {
    const { params: p } = io;
    const fields = slidingFields(io, p.geometry, p, p.xZero);
    return [
      {
        fn: 'maxpool_s8',
        file: 'maxpool',
        block: ctx.block(B.POOL_BYTES, [...fields, [B.INCLUDE_PAD, p.countIncludePad ? 1 : 0]]),
      },
    ];
  },
};
