/** depthwise: one call of depthwise_s8; weights stay in the operator's own order ([kt][kf][o]). */
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';

export const depthwise: EmitOp<'depthwise'> = {
  name: 'depthwise',
  emit: (io, ctx) => [{ fn: 'depthwise_s8', file: 'depthwise', block: macBlock(io, io.params, ctx) }],
};
