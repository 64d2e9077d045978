/**
 * What the calls of conv, depthwise and dense share, whatever the target: how taps lie, tables, parameter blocks. Holds no operator.
 *
 * In: a step and where each weight stands.  Out: the address of a packed block.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import * as B from '../../kernels/block.ts';
import type { EmitContext, Fields, StepIo } from './op.ts';
import { interpZero, isSigned } from './requantise-interp.ts';
import { finishFields, roundingZero } from './requantise-simd.ts';
import { needOnce, slidingFields } from './sliding.ts';
import {
  doubled,
  foldedBias,
  lanes,
  largestSum,
  leftOver,
  nativeShift,
  scales,
  startsOf,
  type TileShape,
  tiles,
} from './tiles.ts';

export type MacIo = StepIo<'conv'> | StepIo<'depthwise'> | StepIo<'dense'>;

export const windowRule = ({ step: { rule } }: MacIo) => (rule.kind === 'window' ? rule : { stride: 1, dilation: 1 });

/** The taps of every place inside the input are one run of bytes. */
export function sideBySide(io: MacIo, dilation = windowRule(io).dilation): boolean {
  const { geometry: g, per } = io.params;
  const shape = io.x[0]?.shape ?? { t: 0, f: 0, c: 0 };
  const oneTap = g.kernelT * g.kernelF === 1;
  const alongT = g.kernelT === 1 || (dilation === 1 && g.kernelF === shape.f);
  const alongF = g.kernelF === 1 || (g.dilationF ?? 1) === 1;
  return (oneTap || per === shape.c) && alongT && alongF && g.padF[0] === 0 && g.padF[1] === 0;
}

export const isPadded = ({ step: { rule } }: MacIo): boolean => rule.kind === 'window' && (rule.pad[0] > 0 || rule.pad[1] > 0);

/** Weights [o][kt][kf][c / groups]. */
export function convShape({ params: { geometry: g, per }, x, out }: StepIo<'conv'>): TileShape {
  const taps = g.kernelT * g.kernelF * per;
  return { groups: (x[0]?.shape.c ?? per) / per, outputs: out.c, taps, at: (o, i) => o * taps + i };
}

/** Weights [o][t][f][c]. */
export function denseShape({ params: { per }, out }: StepIo<'dense'>): TileShape {
  return { groups: 1, outputs: out.c, taps: per, at: (o, i) => o * per + i };
}

/** Weights [kt][kf][o]. */
export const tapsFirst = ({ params: { geometry: g }, out }: StepIo<'depthwise'>): TileShape => ({
  groups: 1,
  outputs: out.c,
  taps: g.kernelT * g.kernelF,
  at: (o, i) => i * out.c + o,
});

/** Tables of a target: bias, multiplier, shift or what stands for it. `raw`: a simd kernel that takes inputs with their zero point, its sums shifted up by so many bits. */
function tables(p: MacParams, shape: TileShape, ctx: EmitContext, raw: number | undefined): Fields {
  if (ctx.target === 'simd') {
    const folded = raw === undefined ? p.bias : foldedBias(p, shape);
    const more = { raw: (o: number) => (p.bias[o] as number) - (folded[o] as number), up: raw };
    return finishFields(p, (o) => largestSum(p, shape, o), ctx, more);
  }
  if (ctx.target === 'interp') {
    if (isSigned(p)) ctx.need('SIGNED');
    return [
      [B.BIAS, ctx.table(scales(p, shape) as Int32Array)],
      [B.Y_ZERO, interpZero(p)],
      [B.LANES, lanes.low],
      [B.LANES + 4, lanes.high],
    ];
  }
  needOnce(p, ctx);
  return [
    [B.MULTIPLIER, ctx.table(doubled(p.multiplier))],
    [B.SHIFT, ctx.table(Int8Array.from(p.shift, nativeShift))],
    [B.Y_ZERO, roundingZero(p)],
  ];
}

/** The block of a call; `more` may say a field anew. */
export function targetBlock(
  io: MacIo,
  shape: TileShape,
  weights: Int8Array,
  ctx: EmitContext,
  more: Fields,
  raw?: number,
): number {
  const p = io.params;
  return ctx.block(ctx.target === 'simd' ? B.MAC_SIMD_BYTES : B.MAC_BYTES, [
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    [B.PER, p.per],
    [B.WEIGHTS, ctx.weights(weights)],
    ...tables(p, shape, ctx, raw),
    ...more,
  ]);
}

/** The block of a call whose weights are in tiles. */
export function tiledBlock(io: MacIo, shape: TileShape, ctx: EmitContext, more: Fields, raw?: number): number {
  if (shape.groups > 1) ctx.need('GROUPS');
  if (leftOver(shape, ctx.target) > 0) ctx.need('LEFT_OVER');
  const starts = startsOf(io.params, shape, ctx.target);
  return targetBlock(io, shape, tiles(io.params.weights, shape, ctx.target, starts), ctx, more, raw);
}
