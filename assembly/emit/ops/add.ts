/** add: one call of add_s8 or add_s16 over all elements. */
import { AddBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { frameElements } from './sliding.ts';

export const add: EmitOp<'add'> = {
  name: 'add',
  rare: ({ minus }) => minus !== undefined,
  emit(io, ctx) {
    const { params: p } = io;
    if (io.node.attrs.minus !== undefined) ctx.need('MINUS');
    const block = ctx.block(AddBlock, {
      x: io.x[0]?.address ?? 0,
      y: io.y,
      count: frameElements(io),
      x2: p.constant ? ctx.table(p.constant) : (io.x[1]?.address ?? 0),
      zero1: p.x1.zero,
      zero2: p.x2.zero,
      y_zero: p.y.zero,
      min: p.min,
      max: p.max,
      mult_y: p.y.multiplier,
      shift_y: p.y.shift,
      period: p.constant?.length ?? io.step.outRows * frameElements(io),
      mult1: p.x1.multiplier,
      shift1: p.x1.shift,
      mult2: p.x2.multiplier,
      shift2: p.x2.shift,
    });
    return [callOf(p.types ? 'add_s16' : 'add_s8', block)];
  },
};
