/**
 * history: one call of history_s8 over the output's rows; in the trunk the earlier rows are in the input's
 * buffer. If each window has its own padding, one call of pad_s8.
 */
import { padRows } from '../../../models/graph/types.ts';
import { HistoryBlock } from '../blocks.ts';
import { copiedBytes } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';

export const history: EmitOp<'history'> = {
  name: 'history',
  rare: ({ own }) => own !== undefined,
  files: ['history-pad'],
  emit(io, ctx) {
    const [x] = io.x;
    const { rule } = io.step;
    const { own, types, zero } = io.params;
    const block = ctx.block(HistoryBlock, {
      x: x?.address ?? 0,
      y: io.y,
      x_rows: x?.rows ?? 0,
      own: own ? padRows.indexOf(own) : 0,
      pad_t: rule.kind === 'window' ? rule.pad[0] : own ? io.params.before : 0,
      row: copiedBytes(types) * io.out.f * io.out.c,
      zero,
    });
    return [callOf(own ? 'pad_s8' : 'history_s8', block)];
  },
};
