/** gru: one call over the rows of a step, of the kernel for its reset gate. */
import { GruBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { recurrentCalls, recurrentFields } from './recurrent.ts';

export const gru: EmitOp<'gru'> = {
  name: 'gru',
  rare: true,
  files: ['recurrent'],
  emit(io, ctx) {
    const { units, resetAfter } = io.params;
    const gateBytes = 4 * Math.ceil(units / 2);
    const { fields, own } = recurrentFields(io, ctx, gateBytes + units);
    const block = ctx.block(GruBlock, { ...fields, gates: own, scaled: own + gateBytes });
    return recurrentCalls(ctx, block, callOf(resetAfter ? 'gru_after_s16_s8' : 'gru_before_s16_s8', block));
  },
};
