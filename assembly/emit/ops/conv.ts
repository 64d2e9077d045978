/** conv: one call of the target's kernel, with weights in tiles; partial tap sums read weights in the operator's own order ([o][kt][kf][c/groups]). */
import { fetchCall } from './fetched.ts';
import { int16Call } from './int16.ts';
import { macCall } from './mac.ts';
import { convShape } from './mac-block.ts';
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';
import { tapsCalls } from './taps.ts';

export const conv: EmitOp<'conv'> = {
  name: 'conv',
  emit(io, ctx) {
    if (io.taps) return tapsCalls('conv', io, macBlock(io, io.params, ctx), ctx);
    const wide = int16Call('conv', io, ctx);
    if (wide) return wide;
    const call = macCall('conv', io, convShape(io), ctx);
    if (call) return [call];
    const block = macBlock(io, io.params, ctx);
    return [...fetchCall(ctx, block), { fn: 'conv_s8', file: 'conv', block }];
  },
};
