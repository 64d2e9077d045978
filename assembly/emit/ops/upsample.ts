/** upsample: one call over the output's rows. */
import { UpsampleBlock } from '../blocks.ts';
import { copiedBytes } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';

export const upsample: EmitOp<'upsample'> = {
  name: 'upsample',
  rare: true,
  emit(io, ctx) {
    const [x] = io.x;
    const { attrs, types, zero } = io.params;
    // int16 has the zero point 0
    const block = ctx.block(UpsampleBlock, {
      x: x?.address ?? 0,
      y: io.y,
      row: copiedBytes(types) * io.out.c,
      x_f: x?.shape.f ?? 1,
      y_f: io.out.f,
      step_t: attrs.t,
      step_f: attrs.f,
      repeat: attrs.between === 'repeat' ? 1 : 0,
      zero,
    });
    return [callOf('upsample_s8', block)];
  },
};
