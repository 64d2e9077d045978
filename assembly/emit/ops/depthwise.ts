/** depthwise: one call of depthwise_s8, with weights in the operator's own order ([kt][kf][o]); simd: of depthwise_s8_simd, with weights in tiles. */
import { depthwiseCall } from './mac.ts';
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';
import { tapsCalls } from './taps.ts';

export const depthwise: EmitOp<'depthwise'> = {
  name: 'depthwise',
  emit(io, ctx) {
    if (io.taps) return tapsCalls('depthwise', io, macBlock(io, io.params, ctx));
    return [depthwiseCall(io, ctx) ?? { fn: 'depthwise_s8', file: 'depthwise', block: macBlock(io, io.params, ctx) }];
  },
};
