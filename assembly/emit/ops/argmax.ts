/** argmax: one call of argmax_s8. */
import { ArgmaxBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';

export const argmax: EmitOp<'argmax'> = {
  name: 'argmax',
  rare: true,
  emit(io, ctx) {
    const [x] = io.x;
    const block = ctx.block(ArgmaxBlock, {
      x: x?.address ?? 0,
      y: io.y,
      count: x?.shape.c ?? 0,
      frame_rows: io.out.f,
      last: io.params.last ? 1 : 0,
    });
    return [callOf('argmax_s8', block)];
  },
};
