/** dense: one call of the target's kernel, with weights in tiles; accumulators read them in the operator's own order ([u][t][f][c]). */
import { fetchCall } from './fetched.ts';
import { int16Call } from './int16.ts';
import { macCall } from './mac.ts';
import { denseShape } from './mac-block.ts';
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';

export const dense: EmitOp<'dense'> = {
  name: 'dense',
  emit(io, ctx) {
    if (io.fold) {
      const block = macBlock(io, io.params, ctx);
      return [...fetchCall(ctx, block), { fn: 'dense_fold_s8', file: 'dense', block, phase: true }];
    }
    const wide = int16Call('dense', io, ctx);
    if (wide) return wide;
    const call = macCall('dense', io, denseShape(io), ctx);
    if (call) return [call];
    const block = macBlock(io, io.params, ctx);
    return [...fetchCall(ctx, block), { fn: 'dense_s8', file: 'dense', block }];
  },
};
