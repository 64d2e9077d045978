/** lstm: one call over the rows of a step. */
import { LstmBlock, OpenLstmBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { recurrentCalls, recurrentFields } from './recurrent.ts';

export const lstm: EmitOp<'lstm'> = {
  name: 'lstm',
  rare: true,
  files: ['recurrent'],
  emit(io, ctx) {
    const { forget, input, tanh, clip, floor } = io.params;
    const fields = {
      ...recurrentFields(io, ctx).fields,
      forget_mult: forget.multiplier,
      forget_shift: forget.shift,
      input_mult: input.multiplier,
      input_shift: input.shift,
      tanh_mult: tanh.multiplier,
      tanh_shift: tanh.shift,
      clip,
    };
    const block = floor === undefined ? ctx.block(LstmBlock, fields) : ctx.block(OpenLstmBlock, { ...fields, floor });
    return recurrentCalls(ctx, block, callOf(floor === undefined ? 'lstm_s16_s8' : 'lstm_open_s16_s8', block));
  },
};
