/**
 * depthwise: one call of the target's kernel, or of depthwise_s8 with weights in the operator's order
 * ([kt][kf][o]).
 */
import { int16Call } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';
import { fetchCall, plainBlock } from './sliding.ts';
import { tapsCalls } from './taps.ts';

export const depthwise: EmitOp<'depthwise'> = {
  name: 'depthwise',
  emit(io, ctx) {
    if (io.taps) return tapsCalls('depthwise', io, io.taps, ctx);
    const wide = int16Call('depthwise', io, ctx);
    if (wide) return wide;
    const call = ctx.target.depthwise(io, ctx);
    if (call) return [call];
    const block = plainBlock(io, io.params, ctx);
    return [...fetchCall(ctx, block), callOf('depthwise_s8', block)];
  },
};
