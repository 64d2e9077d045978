/** history: one call of history_s8 over the output's rows; in the trunk the earlier rows stand in the input's buffer. */
import { HistoryBlock } from '../blocks.ts';
import { copiedBytes } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';

export const history: EmitOp<'history'> = {
  name: 'history',
  emit(io, ctx) {
    const [x] = io.x;
    const rule = io.step.rule;
    const block = ctx.block(HistoryBlock, {
      x: x?.address ?? 0,
      y: io.y,
      x_rows: x?.rows ?? 0,
      pad_t: rule.kind === 'window' ? rule.pad[0] : 0,
      row: copiedBytes(io.params.types) * io.out.f * io.out.c,
      zero: io.params.zero,
    });
    return [callOf('history_s8', block)];
  },
};
