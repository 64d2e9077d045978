/**
 * dense: one call of the target's kernel, with weights in tiles. Accumulators of waiting windows read weights
 * in the operator's order ([u][t][f][c]).
 */
import { DenseFoldBlock } from '../blocks.ts';
import { foldFields } from './fold.ts';
import { int16Call } from './int16.ts';
import { denseShape } from './mac.ts';
import { callOf, type EmitOp } from './op.ts';
import { fetchCall, plainBlock, plainFields } from './sliding.ts';

export const dense: EmitOp<'dense'> = {
  name: 'dense',
  emit(io, ctx) {
    if (io.fold) {
      const block = ctx.block(DenseFoldBlock, { ...plainFields(io, io.params, ctx), ...foldFields(io.fold, io.x) });
      return [...fetchCall(ctx, block), callOf('dense_fold_s8', block)];
    }
    const wide = int16Call('dense', io, ctx);
    if (wide) return wide;
    const call = ctx.target.mac('dense', io, denseShape(io), ctx);
    if (call) return [call];
    const block = plainBlock(io, io.params, ctx);
    return [...fetchCall(ctx, block), callOf('dense_s8', block)];
  },
};
