/** slice: one call of slice_s8, which copies a part of every row; a single row is a move. */
import * as B from '../../kernels/block.ts';
import { copiedBytes } from './int16.ts';
import type { EmitOp } from './op.ts';

export const slice: EmitOp<'slice'> = {
  name: 'slice',
  emit(io, ctx) {
    const [x] = io.x;
    const shape = x?.shape ?? { t: 0, f: 0, c: 0 };
    const { axis, from, to } = io.params;
    const bytes = copiedBytes(io.params.types);
    const unit = bytes * (axis === 'c' ? 1 : shape.c);
    const kernel = { fn: 'slice_s8', file: 'slice' };
    const start = (x?.address ?? 0) + from * unit;
    const part = (to - from) * unit;
    if ((axis === 'c' ? shape.f : 1) * io.step.outRows === 1 && io.step.kind === 'run') {
      return [{ ...kernel, block: 0, copy: { to: io.y, from: start, bytes: part } }];
    }
    const block = ctx.block(B.CONCAT_BYTES, [
      [B.X, start],
      [B.Y, io.y],
      [B.S_ROWS, axis === 'c' ? shape.f : 1],
      [B.COUNT, part],
      [B.Y_PITCH, bytes * (axis === 'c' ? shape.c : shape.f * shape.c)],
    ]);
    return [{ ...kernel, block }];
  },
};
