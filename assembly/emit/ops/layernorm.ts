/** layernorm: one call with a gain and an offset for each value of a row; int16 has separate kernels. */
import { LayerNormBlock } from '../blocks.ts';
import { typesSuffix } from './int16.ts';
import { callOf, type EmitOp } from './op.ts';
import { frameElements } from './sliding.ts';

export const layernorm: EmitOp<'layernorm'> = {
  name: 'layernorm',
  rare: true,
  files: ['layernorm-s16'],
  emit(io, ctx) {
    const { params: p } = io;
    const block = ctx.block(LayerNormBlock, {
      x: io.x[0]?.address ?? 0,
      y: io.y,
      count: p.count,
      frame_rows: frameElements(io) / p.count,
      x_zero: p.xZero,
      centre: Number(p.centre),
      square_shift: p.squareShift,
      epsilon_low: Number(BigInt.asIntN(32, p.epsilon)),
      epsilon_high: Number(p.epsilon >> 32n),
      root_shift: p.rootShift,
      gain: ctx.table(p.gain),
      offset: ctx.table(p.offset),
      offset_shift: p.offsetShift,
      out_shift: p.outShift,
      min: p.min,
      max: p.max,
    });
    return [callOf(p.types ? `layernorm_${typesSuffix(p.types)}` : 'layernorm_s8', block)];
  },
};
