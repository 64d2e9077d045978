/** slice: one call of slice_s8, which copies a part of every row; a single row is a move. */
import { ConcatBlock } from '../blocks.ts';
import { copiedBytes } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';

export const slice: EmitOp<'slice'> = {
  name: 'slice',
  emit(io, ctx) {
    const [x] = io.x;
    const shape = x?.shape ?? { t: 0, f: 0, c: 0 };
    const { axis, from, to } = io.params;
    const bytes = copiedBytes(io.params.types);
    const unit = bytes * (axis === 'c' ? 1 : shape.c);
    const start = (x?.address ?? 0) + from * unit;
    const part = (to - from) * unit;
    if ((axis === 'c' ? shape.f : 1) * io.step.outRows === 1 && io.step.kind === 'run') {
      return [{ fn: 'slice_s8', block: 0, copy: { to: io.y, from: start, bytes: part } }];
    }
    const block = ctx.block(ConcatBlock, {
      x: start,
      y: io.y,
      count: part,
      y_pitch: bytes * (axis === 'c' ? shape.c : shape.f * shape.c),
      frame_rows: axis === 'c' ? shape.f : 1,
    });
    return [callOf('slice_s8', block)];
  },
};
