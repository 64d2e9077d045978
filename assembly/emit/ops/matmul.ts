/** matmul: one call over the rows of the first input. */
import { MatmulBlock } from '../blocks.ts';
import { callOf, type EmitOp } from './op.ts';

export const matmul: EmitOp<'matmul'> = {
  name: 'matmul',
  rare: true,
  emit(io, ctx) {
    const { products: p, ...q } = io.params;
    const block = ctx.block(MatmulBlock, {
      x: io.x[0]?.address ?? 0,
      y: io.y,
      x2: io.x[1]?.address ?? 0,
      heads: p.heads,
      terms: p.terms,
      outputs: p.outputs,
      term_step: p.termStep,
      output_step: p.outputStep,
      head_step: p.headStep,
      zero1: q.zero1,
      zero2: q.zero2,
      y_zero: q.yZero,
      min: q.min,
      max: q.max,
      mult_y: q.scale.multiplier,
      shift_y: q.scale.shift,
    });
    return [callOf('matmul_s8', block)];
  },
};
