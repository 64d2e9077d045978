/** conv: one call of conv_s8; weights stay in the operator's own order ([o][kt][kf][c/groups]). */
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';
import { tapsCalls } from './taps.ts';

export const conv: EmitOp<'conv'> = {
  name: 'conv',
  emit(io, ctx) {
    const block = macBlock(io, io.params, ctx);
    return io.taps ? tapsCalls('conv', io, block) : [{ fn: 'conv_s8', file: 'conv', block }];
  },
};
