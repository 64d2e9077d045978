/** permute: one call over the rows of the output. */
import { PermuteBlock } from '../blocks.ts';
import { copiedBytes } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';

export const permute: EmitOp<'permute'> = {
  name: 'permute',
  rare: true,
  emit(io, ctx) {
    const { walk, types } = io.params;
    const width = copiedBytes(types);
    const [, middle = 1, inner = 1] = walk.lengths;
    const [outer_step = 0, middle_step = 0, inner_step = 0] = walk.steps.map((step) => step * width);
    const block = ctx.block(PermuteBlock, {
      x: (io.x[0]?.address ?? 0) + walk.first * width,
      y: io.y,
      count: io.out.f * io.out.c,
      width,
      middle,
      inner,
      outer_step,
      middle_step,
      inner_step,
    });
    return [callOf('permute_s8', block)];
  },
};
