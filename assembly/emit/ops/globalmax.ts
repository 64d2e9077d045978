/** globalmax: over the whole window at once, or accumulate / finish / rotate if partial results are kept. */
import { globalBlock, globalCall, globalParts } from './global.ts';
import { callOf, type EmitOp } from './op.ts';

export const globalmax: EmitOp<'globalmax'> = {
  name: 'globalmax',
  emit: (io, ctx) => globalParts('globalmax', io, ctx) ?? [globalCall('globalmax', io, globalBlock(io, ctx))],
  rotate: (io, ctx) => [callOf('globalmax_rotate_s8', globalBlock(io, ctx))],
};
