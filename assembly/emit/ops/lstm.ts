/** lstm: one call of lstm_s16_s8 over the rows of a step. */
import { LstmBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { recurrentCalls, recurrentFields } from './recurrent.ts';

export const lstm: EmitOp<'lstm'> = {
  name: 'lstm',
  rare: true,
  files: ['recurrent'],
  emit(io, ctx) {
    const { forget, input, tanh, clip } = io.params;
    const block = ctx.block(LstmBlock, {
      ...recurrentFields(io, ctx).fields,
      forget_mult: forget.multiplier,
      forget_shift: forget.shift,
      input_mult: input.multiplier,
      input_shift: input.shift,
      tanh_mult: tanh.multiplier,
      tanh_shift: tanh.shift,
      clip,
    });
    return recurrentCalls(ctx, block, callOf('lstm_s16_s8', block));
  },
};
