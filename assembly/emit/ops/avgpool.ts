/** avgpool: one call of avgpool_s8 or avgpool_s16; in a fold, averages of parts of the window. */
import { callOf, type EmitOp } from './op.ts';
import { partsCalls, poolResults } from './parts.ts';
import { poolBlock } from './sliding.ts';

export const avgpool: EmitOp<'avgpool'> = {
  name: 'avgpool',
  emit(io, ctx) {
    if (io.fold) return partsCalls(io, io.fold, ctx, 'globalavg_parts_s8', poolResults(io, ctx));
    return [callOf(io.params.types ? 'avgpool_s16' : 'avgpool_s8', poolBlock(io, io.params, ctx))];
  },
};
