/** dense: one call of dense_s8, or of dense_fold_s8 on accumulators; weights stay in the operator's own order ([u][t][f][c]). */
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';

export const dense: EmitOp<'dense'> = {
  name: 'dense',
  emit(io, ctx) {
    const block = macBlock(io, io.params, ctx);
    return [io.fold ? { fn: 'dense_fold_s8', file: 'dense', block, phase: true } : { fn: 'dense_s8', file: 'dense', block }];
  },
};
