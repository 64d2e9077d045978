/** rnn: one call over the rows of a step. */
import { OpenRnnBlock, RecurrentBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { recurrentCalls, recurrentFields } from './recurrent.ts';

export const rnn: EmitOp<'rnn'> = {
  name: 'rnn',
  rare: true,
  files: ['recurrent'],
  emit(io, ctx) {
    const { fields } = recurrentFields(io, ctx);
    const { floor } = io.params;
    const block = floor === undefined ? ctx.block(RecurrentBlock, fields) : ctx.block(OpenRnnBlock, { ...fields, floor });
    return recurrentCalls(ctx, block, callOf(floor === undefined ? 'rnn_s16_s8' : 'rnn_open_s16_s8', block));
  },
};
