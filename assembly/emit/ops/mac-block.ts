/**
 * What the calls of conv, depthwise and dense share, whatever the target: how taps lie, tables, parameter blocks. Holds no operator.
 *
 * In: a step and where each weight stands.  Out: the address of a packed block.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import type { At } from '../block.ts';
import { type MacBlock, SimdBlock, TileBlock } from '../blocks.ts';
import type { EmitContext, StepIo } from './op.ts';
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

export type TileTables = Pick<MacBlock, 'y_zero' | 'bias' | 'multiplier' | 'shift'>;
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

/** What interp and native requantise by. */
function tileTables(p: MacParams, shape: TileShape, ctx: EmitContext): TileTables {
  if (ctx.target === 'interp') {
    if (isSigned(p)) ctx.need('SIGNED');
    const bias = ctx.table(scales(p, shape) as Int32Array);
    return { y_zero: interpZero(p), bias, multiplier: lanes.low, shift: lanes.high };
  }
  needOnce(p, ctx);
  const multiplier = ctx.table(doubled(p.multiplier));
  return { y_zero: roundingZero(p), bias: 0, multiplier, shift: ctx.table(Int8Array.from(p.shift, nativeShift)) };
}

/** What a target's call adds to what its layer is. */
export type OfTileCall = Pick<TileBlock, 'per' | 'runs' | 'patch' | 'sums'>;
export type OfSimdCall = Pick<SimdBlock, 'chunk' | 'patch' | 'sums' | 'place' | 'pool'>;

/** The block of a call of interp or native. */
export function tileBlock(io: MacIo, shape: TileShape, weights: Int8Array, ctx: EmitContext, call: OfTileCall): At<TileBlock> {
  const p = io.params;
  return ctx.block(TileBlock, {
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    weights: ctx.weights(weights),
    ...tileTables(p, shape, ctx),
    ...call,
  });
}

/**
 * The block of a call of simd. `raw`: its kernel takes inputs with their zero point, its sums shifted up by
 * so many bits.
 */
export function simdBlock(
  io: MacIo,
  shape: TileShape,
  weights: Int8Array,
  ctx: EmitContext,
  call: OfSimdCall,
  raw?: number,
): At<SimdBlock> {
  const p = io.params;
  const folded = raw === undefined ? p.bias : foldedBias(p, shape);
  const more = { raw: (o: number) => (p.bias[o] as number) - (folded[o] as number), up: raw };
  return ctx.block(SimdBlock, {
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    per: p.per,
    weights: ctx.weights(weights),
    ...finishFields(p, (o) => largestSum(p, shape, o), ctx, more),
    ...call,
  });
}

/** Weights in tiles, each after what its sums start from where the target has that there. */
export function tiledWeights({ params: p }: MacIo, shape: TileShape, ctx: EmitContext): Int8Array {
  if (shape.groups > 1) ctx.need('GROUPS');
  if (leftOver(shape, ctx.target) > 0) ctx.need('LEFT_OVER');
  return tiles(p.weights, shape, ctx.target, startsOf(p, shape, ctx.target));
}

/** Room for a call's sums, and behind them for the taps that it copies, in bytes. */
export function workspace(ctx: EmitContext, sums: number, patch: number): { patch: number; sums: number } {
  const at = ctx.work(sums + patch);
  return { patch: at + sums, sums: at };
}
