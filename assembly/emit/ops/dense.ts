/** dense: one call of dense_s8; weights stay in the operator's own order ([u][t][f][c]). */
import type { EmitOp } from './op.ts';
import { macBlock } from './sliding.ts';

export const dense: EmitOp<'dense'> = {
  name: 'dense',
  emit: (io, ctx) => [{ fn: 'dense_s8', file: 'dense', block: macBlock(io, io.params, ctx) }],
};
