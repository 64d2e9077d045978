/** globalavg: over the whole window at once, or accumulate / finish / rotate where partial results are kept. */

import { globalBlock, globalCalls } from './global.ts';
import type { EmitOp } from './op.ts';

export const globalavg: EmitOp<'globalavg'> = {
  name: 'globalavg',
  emit: (io, ctx) => globalCalls('globalavg', io, globalBlock(io, ctx)),
  rotate: (io, ctx) => [{ fn: 'globalavg_rotate_s8', file: 'globalavg', block: globalBlock(io, ctx) }],
};
