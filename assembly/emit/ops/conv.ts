/** conv: one call of the target's kernel, with weights in tiles; partial tap sums read weights in the operator's own order ([o][kt][kf][c/groups]). */
import { macCall } from './mac.ts';
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';
import { tapsCalls } from './taps.ts';

export const conv: EmitOp<'conv'> = {
  name: 'conv',
  emit(io, ctx) {
    if (io.taps) return tapsCalls('conv', io, macBlock(io, io.params, ctx));
    const { geometry, per } = io.params;
    const taps = geometry.kernelT * geometry.kernelF * per;
    const groups = (io.x[0]?.shape.c ?? per) / per;
    const call = macCall('conv', io, { groups, outputs: io.out.c, taps, at: (o, i) => o * taps + i }, ctx);
    return [call ?? { fn: 'conv_s8', file: 'conv', block: macBlock(io, io.params, ctx) }];
  },
};
