/** concat: one call of concat_s8 an input, each copying its part of every row. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';

export const concat: EmitOp<'concat'> = {
  name: 'concat',
  emit(io, ctx) {
    const pitch = io.params.axis === 'c' ? io.out.c : io.out.f * io.out.c;
    let offset = 0;
    return io.x.map((x) => {
      const part = io.params.axis === 'c' ? x.shape.c : x.shape.f * x.shape.c;
      const block = ctx.block(B.CONCAT_BYTES, [
        [B.X, x.address],
        [B.Y, io.y + offset],
        [B.S_ROWS, io.params.axis === 'c' ? io.out.f : 1],
        [B.COUNT, part],
        [B.Y_PITCH, pitch],
      ]);
      offset += part;
      return { fn: 'concat_s8', file: 'concat', block };
    });
  },
};
