/**
 * conv: one call of the target's kernel, with weights in tiles. Partial tap sums read weights in the
 * operator's order ([o][kt][kf][c/groups]).
 */
import { int16Call } from './int16.ts';
import { convShape } from './mac.ts';
import { callOf, type EmitOp } from './op.ts';
import { fetchCall, plainBlock } from './sliding.ts';
import { tapsCalls } from './taps.ts';

export const conv: EmitOp<'conv'> = {
  name: 'conv',
  fusesPool: 'takes',
  emit(io, ctx) {
    if (io.taps) return tapsCalls('conv', io, io.taps, ctx);
    const wide = int16Call('conv', io, ctx);
    if (wide) return wide;
    const call = ctx.target.mac('conv', io, convShape(io), ctx);
    if (call) return [call];
    const block = plainBlock(io, io.params, ctx);
    return [...fetchCall(ctx, block), callOf('conv_s8', block)];
  },
};
