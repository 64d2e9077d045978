/** hypot: one call over all elements, for any types. */
import { HypotBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';
import { frameElements } from './sliding.ts';

export const hypot: EmitOp<'hypot'> = {
  name: 'hypot',
  rare: true,
  emit(io, ctx) {
    const { a, b, y, types, min, max } = io.params;
    const wide = [types.a, types.b, types.y].reduce((bits, type, i) => bits + (type === 'int16' ? 1 << i : 0), 0);
    const block = ctx.block(HypotBlock, {
      x: io.x[0]?.address ?? 0,
      y: io.y,
      count: frameElements(io),
      x2: io.x[1]?.address ?? 0,
      zero1: a.zero,
      zero2: b.zero,
      mult1: a.multiplier,
      shift1: a.shift,
      mult2: b.multiplier,
      shift2: b.shift,
      y_zero: y.zero,
      min,
      max,
      mult_y: y.multiplier,
      shift_y: y.shift,
      wide,
    });
    return [callOf('hypot', block)];
  },
};
