/** gru: one call over the rows of a step; its reset gate decides which kernel. */
import { GruBlock, OpenGruBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { recurrentCalls, recurrentFields } from './recurrent.ts';

export const gru: EmitOp<'gru'> = {
  name: 'gru',
  rare: true,
  files: ['recurrent'],
  emit(io, ctx) {
    const { units, resetAfter, floor } = io.params;
    const gateBytes = 4 * Math.ceil(units / 2);
    const { fields, own } = recurrentFields(io, ctx, gateBytes + units);
    const all = { ...fields, gates: own, scaled: own + gateBytes };
    const block = floor === undefined ? ctx.block(GruBlock, all) : ctx.block(OpenGruBlock, { ...all, floor });
    const kernel = `gru_${resetAfter ? 'after' : 'before'}${floor === undefined ? '' : '_open'}_s16_s8` as const;
    return recurrentCalls(ctx, block, callOf(kernel, block));
  },
};
