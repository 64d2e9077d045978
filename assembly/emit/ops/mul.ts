/** mul: one call of mul_s8 or mul_s16 over all elements. */
import { MulBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { frameElements } from './sliding.ts';

export const mul: EmitOp<'mul'> = {
  name: 'mul',
  rare: (_attrs, isWide) => isWide,
  files: ['mul-s16'],
  emit(io, ctx) {
    const { params: p } = io;
    const block = ctx.block(MulBlock, {
      x: io.x[0]?.address ?? 0,
      y: io.y,
      count: frameElements(io),
      x2: p.constant ? ctx.table(p.constant) : (io.x[1]?.address ?? 0),
      zero1: p.zero1,
      zero2: p.zero2,
      y_zero: p.yZero,
      min: p.min,
      max: p.max,
      mult_y: p.scale.multiplier,
      shift_y: p.scale.shift,
      period: p.constant?.length ?? io.step.outRows * frameElements(io),
    });
    return [callOf(p.types ? 'mul_s16' : 'mul_s8', block)];
  },
};
