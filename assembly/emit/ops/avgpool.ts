/** avgpool: one call of avgpool_s8 or avgpool_s16. */
import { callOf, type EmitOp } from './op.ts';
import { poolBlock } from './sliding.ts';

export const avgpool: EmitOp<'avgpool'> = {
  name: 'avgpool',
  emit: (io, ctx) => [callOf(io.params.types ? 'avgpool_s16' : 'avgpool_s8', poolBlock(io, io.params, ctx))],
};
