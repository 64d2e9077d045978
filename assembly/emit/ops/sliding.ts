/**
 * Parameter blocks that conv, depthwise, dense and the pools share. Holds no operator.
 *
 * In: a step with its addresses.  Out: fields of assembly/kernels/block.ts.
 */
import type { SlidingGeometry } from '../../../models/ops/sliding.ts';
import { isOnce } from '../../../quant/fixed-point.ts';
import type { MacParams, Range } from '../../../quant/ops/op.ts';
import * as B from '../../kernels/block.ts';
import { foldFields } from './fold.ts';
import type { EmitContext, Fields, StepIo } from './op.ts';
import { tapsFields } from './taps.ts';

type AnyIo = Pick<StepIo<'conv'>, 'step' | 'x' | 'y' | 'out' | 'fold' | 'taps'>;

/**
 * X, Y and the sliding geometry; time padding is the step's (none in the trunk, where history stands in its place).
 * Says what the layer needs of its kernel.
 */
export function slidingFields(io: AnyIo, g: SlidingGeometry, range: Range, xZero: number, ctx: EmitContext): Fields {
  const [x] = io.x;
  const rule = io.step.rule;
  const pads = [...(rule.kind === 'window' ? rule.pad : []), ...g.padF];
  if (pads.some((pad) => pad > 0)) ctx.need('EDGES');
  if (rule.kind === 'window' && rule.dilation > 1) ctx.need('DILATIONS');
  if (range.min > -128 || range.max < 127) ctx.need('CLAMPS');
  if ((x?.shape.f ?? 1) > 1 || io.out.f > 1 || g.kernelF > 1) ctx.need('FEATURES');
  return [
    [B.X, x?.address ?? 0],
    [B.Y, io.y],
    [B.X_ROWS, x?.rows ?? 0],
    [B.PAD_T, rule.kind === 'window' ? rule.pad[0] : 0],
    [B.KERNEL_T, g.kernelT],
    [B.STRIDE_T, rule.kind === 'window' ? rule.stride : 1],
    [B.DILATION_T, rule.kind === 'window' ? rule.dilation : 1],
    [B.X_F, x?.shape.f ?? 0],
    [B.X_C, x?.shape.c ?? 0],
    [B.Y_F, io.out.f],
    [B.Y_C, io.out.c],
    [B.PAD_F, g.padF[0]],
    [B.KERNEL_F, g.kernelF],
    [B.STRIDE_F, g.strideF],
    [B.DILATION_F, g.dilationF ?? 1],
    [B.X_ZERO, xZero],
    [B.MIN, range.min],
    [B.MAX, range.max],
  ];
}

/** Weights in the operator's own order; home `tile`: with where they come from. */
function weightFields({ weights }: MacParams, ctx: EmitContext): Fields {
  if (ctx.home !== 'tile') return [[B.WEIGHTS, ctx.weights(weights)]];
  const words = new Int8Array(4 * Math.ceil(weights.length / 4));
  words.set(weights);
  return [
    [B.WEIGHTS, ctx.work(words.length)],
    [B.ALL_SOURCE, ctx.weights(words)],
    [B.ALL_BYTES, words.length],
  ];
}

/** Says that sums are rounded once, where the kernel has code for it. */
export const needOnce = ({ shift }: Pick<MacParams, 'shift'>, ctx: EmitContext): void => {
  if (shift.some(isOnce)) ctx.need('ONCE');
};

/** The block of conv, depthwise and dense: sliding fields, then weights, bias and multipliers. */
export function macBlock(io: AnyIo, p: MacParams, ctx: EmitContext): number {
  const bytes = io.fold ? B.FOLD_BYTES : io.taps ? B.TAPS_BYTES : B.MAC_BYTES;
  needOnce(p, ctx);
  return ctx.block(bytes, [
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    [B.Y_ZERO, p.yZero],
    [B.PER, p.per],
    ...weightFields(p, ctx),
    [B.BIAS, ctx.table(p.bias)],
    [B.MULTIPLIER, ctx.table(p.multiplier)],
    [B.SHIFT, ctx.table(Int8Array.from(p.shift))],
    ...(p.low ? ([[B.LOW, ctx.table(p.low)]] as Fields) : []),
    ...(io.fold ? foldFields(io) : []),
    ...(io.taps ? tapsFields(io.taps) : []),
  ]);
}

/** Elements of one output frame. */
export const frameElements = (io: AnyIo): number => io.out.f * io.out.c;
