/** rnn: one call of rnn_s16_s8 over the rows of a step. */
import { RecurrentBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { recurrentCalls, recurrentFields } from './recurrent.ts';

export const rnn: EmitOp<'rnn'> = {
  name: 'rnn',
  rare: true,
  files: ['recurrent'],
  emit(io, ctx) {
    const block = ctx.block(RecurrentBlock, recurrentFields(io, ctx).fields);
    return recurrentCalls(ctx, block, callOf('rnn_s16_s8', block));
  },
};
