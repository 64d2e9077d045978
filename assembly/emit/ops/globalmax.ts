/** globalmax: over the whole window at once, or accumulate / finish / rotate where partial results are kept. */

import { globalBlock, globalCalls } from './global.ts';
import type { EmitOp } from './op.ts';

export const globalmax: EmitOp<'globalmax'> = {
  name: 'globalmax',
  emit: (io, ctx) => globalCalls('globalmax', io, globalBlock(io, ctx)),
  rotate: (io, ctx) => [{ fn: 'globalmax_rotate_s8', file: 'globalmax', block: globalBlock(io, ctx) }],
};
