/** slice: one call of slice_s8, which copies a part of every row. */
import * as B from '../../kernels/block.ts';
import type { EmitOp } from './op.ts';

export const slice: EmitOp<'slice'> = {
  name: 'slice',
  emit(io, ctx) {
    const [x] = io.x;
    const shape = x?.shape ?? { t: 0, f: 0, c: 0 };
    const { axis, from, to } = io.params;
    const unit = axis === 'c' ? 1 : shape.c;
    const block = ctx.block(B.CONCAT_BYTES, [
      [B.X, (x?.address ?? 0) + from * unit],
      [B.Y, io.y],
      [B.S_ROWS, axis === 'c' ? shape.f : 1],
      [B.COUNT, (to - from) * unit],
      [B.Y_PITCH, axis === 'c' ? shape.c : shape.f * shape.c],
    ]);
    return [{ fn: 'slice_s8', file: 'slice', block }];
  },
};
