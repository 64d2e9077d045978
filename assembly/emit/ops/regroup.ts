/** regroup: one call that copies whole frames; a single frame is a move. */
import { ConcatBlock } from '../blocks.ts';
import { copiedBytes } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';

export const regroup: EmitOp<'regroup'> = {
  name: 'regroup',
  rare: true,
  emit(io, ctx) {
    const frame = copiedBytes(io.params.types) * io.out.f * io.out.c;
    const x = io.x[0]?.address ?? 0;
    if (io.step.outRows === 1 && io.step.kind === 'run')
      return [{ fn: 'regroup_s8', block: 0, copy: { to: io.y, from: x, bytes: frame } }];
    return [callOf('regroup_s8', ctx.block(ConcatBlock, { x, y: io.y, count: frame, y_pitch: frame, frame_rows: 1 }))];
  },
};
