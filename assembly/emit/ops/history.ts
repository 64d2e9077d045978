/** history: one call of history_s8 over the output's rows; in the trunk the earlier rows stand in the input's buffer. */
import * as B from '../../kernels/block.ts';
import { copiedBytes } from './int16.ts';
import type { EmitOp } from './op.ts';

export const history: EmitOp<'history'> = {
  name: 'history',
  emit(io, ctx) {
    const [x] = io.x;
    const rule = io.step.rule;
    const block = ctx.block(B.HISTORY_BYTES, [
      [B.X, x?.address ?? 0],
      [B.Y, io.y],
      [B.X_ROWS, x?.rows ?? 0],
      [B.PAD_T, rule.kind === 'window' ? rule.pad[0] : 0],
      [B.H_ROW, copiedBytes(io.params.types) * io.out.f * io.out.c],
      [B.H_ZERO, io.params.zero],
    ]);
    return [{ fn: 'history_s8', file: 'history', block }];
  },
};
