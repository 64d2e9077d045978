/** depthwise: one call of depthwise_s8; weights stay in the operator's own order ([kt][kf][o]). */
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';
import { tapsCalls } from './taps.ts';

export const depthwise: EmitOp<'depthwise'> = {
  name: 'depthwise',
  emit(io, ctx) {
    const block = macBlock(io, io.params, ctx);
    return io.taps ? tapsCalls('depthwise', io, block) : [{ fn: 'depthwise_s8', file: 'depthwise', block }];
  },
};
