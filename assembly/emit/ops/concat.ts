/** concat: one call of concat_s8 an input, each copying its part of every row; a single row is a move. */
import * as B from '../../kernels/block.ts';
import { copiedBytes } from './int16.ts';
import type { Call, EmitOp } from './op.ts';

export const concat: EmitOp<'concat'> = {
  name: 'concat',
  emit(io, ctx) {
    const bytes = copiedBytes(io.params.types);
    const pitch = bytes * (io.params.axis === 'c' ? io.out.c : io.out.f * io.out.c);
    let offset = 0;
    const frames = io.params.axis === 'c' ? io.out.f : 1;
    return io.x.map((x): Call => {
      const part = bytes * (io.params.axis === 'c' ? x.shape.c : x.shape.f * x.shape.c);
      const to = io.y + offset;
      offset += part;
      const kernel = { fn: 'concat_s8', file: 'concat' };
      if (frames * io.step.outRows === 1 && io.step.kind === 'run') {
        return { ...kernel, block: 0, copy: { to, from: x.address, bytes: part } };
      }
      const block = ctx.block(B.CONCAT_BYTES, [
        [B.X, x.address],
        [B.Y, to],
        [B.S_ROWS, frames],
        [B.COUNT, part],
        [B.Y_PITCH, pitch],
      ]);
      return { ...kernel, block };
    });
  },
};
