/**
 * activation: one call of activation_s8 with its table of 256 bytes; with an int16 input or output, of the
 * kernel that computes the function.
 */
import { isCurve } from '../../../quant/ops/activation.ts';
import type { CurveParams, RescaleParams } from '../../../quant/ops/op.ts';
import type { At } from '../block.ts';
import { ActivationBlock, CurveBlock, RescaleBlock } from '../blocks.ts';
import { throughTable, typesSuffix } from './int16.ts';
import { callOf, type EmitContext, type EmitOp, type StepIo } from './op.ts';
import { frameElements } from './sliding.ts';

const rescaleBlock = (io: StepIo<'activation'>, p: RescaleParams, ctx: EmitContext): At<RescaleBlock> =>
  ctx.block(RescaleBlock, {
    x: io.x[0]?.address ?? 0,
    y: io.y,
    count: frameElements(io),
    x_zero: p.xZero,
    y_zero: p.yZero,
    min: p.min,
    max: p.max,
    negate: p.below.negate ? 1 : 0,
    mult1: p.above.multiplier,
    shift1: p.above.shift,
    mult2: p.below.multiplier,
    shift2: p.below.shift,
  });

const curveBlock = (io: StepIo<'activation'>, p: CurveParams, ctx: EmitContext): At<CurveBlock> =>
  ctx.block(CurveBlock, {
    x: io.x[0]?.address ?? 0,
    y: io.y,
    count: frameElements(io),
    table: ctx.table(p.table),
    bits: p.bits,
    ...throughTable(p),
  });

export const activation: EmitOp<'activation'> = {
  name: 'activation',
  rare: ({ fn }, isWide) => isWide && isCurve(fn),
  files: ['activation-s16'],
  emit(io, ctx) {
    const { params: p } = io;
    if (p.types && 'bits' in p) return [callOf('activation_curve_s16', curveBlock(io, p, ctx))];
    if (p.types) return [callOf(`activation_${typesSuffix(p.types)}`, rescaleBlock(io, p, ctx))];
    const block = ctx.block(ActivationBlock, {
      x: io.x[0]?.address ?? 0,
      y: io.y,
      count: frameElements(io),
      table: ctx.table(p.table),
    });
    return [callOf('activation_s8', block)];
  },
};
