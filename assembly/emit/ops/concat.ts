/** concat: one call of concat_s8 per input, which copies its part of every row; a single row is a move. */
import { ConcatBlock } from '../blocks.ts';
import { copiedBytes } from './int16.ts';
import { type Call, callOf, type EmitOp } from './op.ts';

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
      if (frames * io.step.outRows === 1 && io.step.kind === 'run') {
        return { fn: 'concat_s8', block: 0, copy: { to, from: x.address, bytes: part } };
      }
      const block = ctx.block(ConcatBlock, { x: x.address, y: to, count: part, y_pitch: pitch, frame_rows: frames });
      return callOf('concat_s8', block);
    });
  },
};
