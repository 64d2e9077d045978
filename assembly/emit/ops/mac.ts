/**
 * Calls of conv, depthwise and dense in a target's kernels, their weights in tiles. Holds no operator.
 *
 * In: a step that computes whole outputs (no partial tap sums, no waiting accumulators).  Out: the call, or nothing where the target has no
 * kernel for it (several filters a channel; sums or multipliers out of the ordinary), and the operator's own kernel is taken.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import * as B from '../../kernels/block.ts';
import type { Target } from '../target.ts';
import type { Call, EmitContext, Fields, StepIo } from './op.ts';
import { sayNeeds, slidingFields } from './sliding.ts';
import { doubled, foldedBias, inEights, isSmall, leftOver, roundingZero, type TileShape, tiles } from './tiles.ts';

type MacIo = StepIo<'conv'> | StepIo<'depthwise'> | StepIo<'dense'>;

/** The taps of every place inside the input are one run of bytes. */
function sideBySide(io: MacIo): boolean {
  const { geometry: g, per } = io.params;
  const shape = io.x[0]?.shape ?? { t: 0, f: 0, c: 0 };
  const { rule } = io.step;
  const dilation = rule.kind === 'window' ? rule.dilation : 1;
  const oneTap = g.kernelT * g.kernelF === 1;
  const alongT = g.kernelT === 1 || (dilation === 1 && g.kernelF === shape.f);
  const alongF = g.kernelF === 1 || (g.dilationF ?? 1) === 1;
  return (oneTap || per === shape.c) && alongT && alongF && g.padF[0] === 0 && g.padF[1] === 0;
}

const isPadded = ({ step: { rule } }: MacIo): boolean => rule.kind === 'window' && (rule.pad[0] > 0 || rule.pad[1] > 0);

/** Taps are copied unless they lie side by side and none is padding. */
function needsPatch(op: 'conv' | 'dense', io: MacIo, target: Target): boolean {
  return target === 'simd' || (op === 'conv' && (isPadded(io) || !sideBySide(io)));
}

/** Tables of a target: bias, multiplier, shift or what stands for it. */
function tables(p: MacParams, shape: TileShape, ctx: EmitContext): Fields {
  const simd = ctx.target === 'simd';
  const table = (values: Int32Array) => ctx.table(simd ? inEights(values) : values);
  return [
    [B.BIAS, table(doubled(simd ? p.bias : foldedBias(p, shape)))],
    [B.MULTIPLIER, table(p.multiplier)],
    [B.SHIFT, simd ? table(p.shift.map((s) => 2 ** (32 + s))) : ctx.table(Int8Array.from(p.shift, (s) => -1 - s))],
    [B.Y_ZERO, roundingZero(p)],
  ];
}

/** What a call has to itself: a patch; interp and native: the sums of a place before it, and of what fills up its last tile. */
function workspace(ctx: EmitContext, outputs: number, patchBytes: number): Fields {
  const sums = ctx.target === 'simd' ? 0 : 4 * (outputs + 5);
  const at = ctx.work(sums + patchBytes);
  return [[B.PATCH, at + sums], ...(sums > 0 ? ([[B.SUMS, at]] as Fields) : [])];
}

/** int16 of four places, and what widening writes past them; elsewhere int8 of one. */
const patchBytes = (target: Target, taps: number): number => (target === 'simd' ? 8 * (taps + (taps & 1)) + 16 : taps);

/** The block of a call whose weights are in tiles. */
function tiledBlock(io: MacIo, shape: TileShape, ctx: EmitContext, more: Fields): number {
  const p = io.params;
  sayNeeds(io, ctx);
  if (shape.groups > 1) ctx.need('GROUPS');
  if (leftOver(shape, ctx.target) > 0) ctx.need('LEFT_OVER');
  return ctx.block(ctx.target === 'simd' ? B.MAC_SIMD_BYTES : B.MAC_BYTES, [
    ...slidingFields(io, p.geometry, p, p.xZero),
    [B.PER, p.per],
    [B.WEIGHTS, ctx.weights(tiles(p.weights, shape, ctx.target))],
    ...tables(p, shape, ctx),
    ...more,
  ]);
}

/** conv and dense: `shape` says where weights stand. */
export function macCall(op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call | undefined {
  if (!isSmall(io.params, shape, ctx.target)) return undefined;
  const patch = needsPatch(op, io, ctx.target);
  if (patch) ctx.need('PATCHES');
  const block = tiledBlock(io, shape, ctx, [
    [B.RUNS, sideBySide(io) ? 1 : 0],
    ...workspace(ctx, shape.outputs, patch ? patchBytes(ctx.target, shape.taps) : 0),
  ]);
  return { fn: `${op}_s8_${ctx.target}`, file: `conv-${ctx.target}`, block };
}

/** Output rows whose input depthwise-simd.ts widens together. */
const chunkRows = 8;

const tapsFirst = ({ params: { geometry: g }, out }: StepIo<'depthwise'>): TileShape => ({
  groups: 1,
  outputs: out.c,
  taps: g.kernelT * g.kernelF,
  at: (o, i) => i * out.c + o,
});

/** depthwise with one filter a channel. */
export function depthwiseCall(io: StepIo<'depthwise'>, ctx: EmitContext): Call | undefined {
  if (io.params.per !== 1 || !isSmall(io.params, tapsFirst(io), ctx.target)) return undefined;
  return ctx.target === 'simd' ? depthwiseSimd(io, ctx) : depthwiseBlocks(io, ctx);
}

function depthwiseSimd(io: StepIo<'depthwise'>, ctx: EmitContext): Call {
  const { geometry: g } = io.params;
  const { rule } = io.step;
  const { stride, dilation } = rule.kind === 'window' ? rule : { stride: 1, dilation: 1 };
  const x = io.x[0]?.shape ?? { t: 0, f: 0, c: 0 };
  const rows = (chunkRows - 1) * stride + (g.kernelT - 1) * dilation + 1;
  const at = ctx.work(2 * rows * (g.padF[0] + x.f + g.padF[1]) * x.c + 16);
  const block = tiledBlock(io, tapsFirst(io), ctx, [
    [B.PATCH, at],
    [B.F_AFTER, g.padF[1]],
  ]);
  return { fn: 'depthwise_s8_simd', file: 'depthwise-simd', block };
}

/** Weights stay in the operator's own order; a patch is as long as all taps of all channels. */
function depthwiseBlocks(io: StepIo<'depthwise'>, ctx: EmitContext): Call {
  const p = io.params;
  const shape = tapsFirst(io);
  const inTime = p.geometry.kernelF === 1 && p.geometry.padF[0] === 0 && p.geometry.padF[1] === 0;
  const patch = !inTime || isPadded(io);
  sayNeeds(io, ctx);
  if (patch) ctx.need('PATCHES');
  const block = ctx.block(B.MAC_BYTES, [
    ...slidingFields(io, p.geometry, p, p.xZero),
    [B.PER, io.out.c],
    [B.WEIGHTS, ctx.weights(p.weights)],
    ...tables(p, shape, ctx),
    [B.RUNS, inTime ? 1 : 0],
    ...workspace(ctx, io.out.c, patch ? shape.taps * io.out.c + 4 : 0),
  ]);
  return { fn: 'depthwise_s8_blocks', file: 'depthwise-blocks', block };
}
