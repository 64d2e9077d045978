/** conv: one call of conv_s8; weights stay in the operator's own order ([o][kt][kf][c/groups]). */
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';

export const conv: EmitOp<'conv'> = {
  name: 'conv',
  emit: (io, ctx) => [{ fn: 'conv_s8', file: 'conv', block: macBlock(io, io.params, ctx) }],
};
