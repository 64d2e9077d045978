/** median: one call of median_s8. */
import { callOf, type EmitOp } from './op.ts';
import { poolBlock } from './sliding.ts';

export const median: EmitOp<'median'> = {
  name: 'median',
  emit: (io, ctx) => [callOf('median_s8', poolBlock(io, io.params, ctx))],
};
