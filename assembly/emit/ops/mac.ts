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
import {
  doubled,
  foldedBias,
  inEights,
  isSmall,
  leftOver,
  needsWide,
  roundingZero,
  shiftFactors,
  type TileShape,
  tiles,
} from './tiles.ts';

type MacIo = StepIo<'conv'> | StepIo<'depthwise'> | StepIo<'dense'>;

const windowRule = ({ step: { rule } }: MacIo) => (rule.kind === 'window' ? rule : { stride: 1, dilation: 1 });

/** The taps of every place inside the input are one run of bytes. */
function sideBySide(io: MacIo, dilation = windowRule(io).dilation): boolean {
  const { geometry: g, per } = io.params;
  const shape = io.x[0]?.shape ?? { t: 0, f: 0, c: 0 };
  const oneTap = g.kernelT * g.kernelF === 1;
  const alongT = g.kernelT === 1 || (dilation === 1 && g.kernelF === shape.f);
  const alongF = g.kernelF === 1 || (g.dilationF ?? 1) === 1;
  return (oneTap || per === shape.c) && alongT && alongF && g.padF[0] === 0 && g.padF[1] === 0;
}

const isPadded = ({ step: { rule } }: MacIo): boolean => rule.kind === 'window' && (rule.pad[0] > 0 || rule.pad[1] > 0);

/** Taps are copied unless they lie side by side and none is padding. */
const needsPatch = (op: 'conv' | 'dense', io: MacIo): boolean => op === 'conv' && (isPadded(io) || !sideBySide(io));

/** Tables of a target: bias, multiplier, shift or what stands for it. */
function tables(p: MacParams, shape: TileShape, ctx: EmitContext): Fields {
  if (ctx.target !== 'simd')
    return [
      [B.BIAS, ctx.table(doubled(foldedBias(p, shape)))],
      [B.MULTIPLIER, ctx.table(p.multiplier)],
      [B.SHIFT, ctx.table(Int8Array.from(p.shift, (s) => -1 - s))],
      [B.Y_ZERO, roundingZero(p)],
    ];
  const wide = needsWide(p, shape);
  if (wide) ctx.need('WIDE');
  return [
    [B.BIAS, ctx.table(inEights(doubled(p.bias)))],
    [B.MULTIPLIER, ctx.table(inEights(p.multiplier))],
    [B.SHIFT, ctx.table(inEights(shiftFactors(p, wide)))],
    [B.Y_ZERO, roundingZero(p)],
    [B.WIDE_SHIFTS, wide ? 1 : 0],
  ];
}

/** What a call of interp and native has to itself: the sums of a place, and of what fills up its last tile, then a patch. */
function workspace(ctx: EmitContext, outputs: number, patchBytes: number): Fields {
  const sums = 4 * (outputs + 5);
  const at = ctx.work(sums + patchBytes);
  return [
    [B.PATCH, at + sums],
    [B.SUMS, at],
  ];
}

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

/** Weights [o][kt][kf][c / groups]. */
export function convShape({ params: { geometry: g, per }, x, out }: StepIo<'conv'>): TileShape {
  const taps = g.kernelT * g.kernelF * per;
  return { groups: (x[0]?.shape.c ?? per) / per, outputs: out.c, taps, at: (o, i) => o * taps + i };
}

/** conv and dense: `shape` says where weights stand. */
export function macCall(op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call | undefined {
  if (!isSmall(io.params, shape, ctx.target)) return undefined;
  if (ctx.target === 'simd') return macSimd(op, io, shape, ctx);
  const patch = needsPatch(op, io);
  if (patch) ctx.need('PATCHES');
  const block = tiledBlock(io, shape, ctx, [
    [B.RUNS, sideBySide(io) ? 1 : 0],
    ...workspace(ctx, shape.outputs, patch ? shape.taps : 0),
  ]);
  return { fn: `${op}_s8_${ctx.target}`, file: `conv-${ctx.target}`, block };
}

/** Values of the widened input between two places; undefined where they do not lie evenly, or their taps not side by side. */
function placeStep(io: MacIo): number | undefined {
  const { geometry: g } = io.params;
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const { stride, dilation } = windowRule(io);
  // every dilation-th row by itself has no dilation
  if (!sideBySide(io, 1) || (dilation > 1 && (stride > 1 || io.out.f > 1))) return undefined;
  if (io.out.f === 1) return stride * f * c;
  return g.kernelT * g.kernelF === 1 && stride === 1 && g.strideF === 1 ? c : undefined;
}

/** Whether a convolution's kernel can take the largest of `places` places that follow each other. */
export const poolsToo = (io: StepIo<'conv'>, target: Target, places: number): boolean =>
  target === 'simd' &&
  [2, 4].includes(places) &&
  io.step.outRows % 4 === 0 &&
  io.out.f === 1 &&
  windowRule(io).dilation === 1 &&
  placeStep(io) !== undefined &&
  isSmall(io.params, convShape(io), target);

/** Output rows that are widened together, in fours, so that their input takes about `bytes`. */
const chunkOf = (bytes: number, rowBytes: number, stride: number, kernelRows: number, most: number): number =>
  Math.min(most, Math.max(4, 4 * Math.floor((bytes / rowBytes - kernelRows) / stride / 4)));

function macSimd(op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call {
  if (io.pool) ctx.need('POOLED');
  const { geometry: g } = io.params;
  const place = op === 'conv' ? placeStep(io) : undefined;
  // what widening writes and tiles read past the taps
  const slack = 32;
  let bytes = 2 * 4 * Math.ceil(shape.taps / 4) * (op === 'conv' ? 4 : 1);
  let chunk = 0;
  if (place !== undefined) {
    const { stride } = windowRule(io);
    const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
    chunk = chunkOf(4096, 2 * f * c, stride, g.kernelT, 32);
    bytes = 2 * f * c * ((chunk - 1) * stride + g.kernelT);
  }
  const block = tiledBlock(io, shape, ctx, [
    [B.PATCH, ctx.work(B.SUMS_BYTES + bytes + slack) + B.SUMS_BYTES],
    [B.CHUNK, chunk],
    [B.PLACE, place ?? 0],
    [B.POOL, io.pool?.places ?? 1],
  ]);
  const kind = op === 'dense' ? 'dense' : place === undefined ? 'conv_patch' : 'conv_rows';
  return { fn: `${kind}_s8_simd`, file: 'conv-simd', block };
}

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
  const { stride, dilation } = windowRule(io);
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const frame = 4 * (g.padF[0] + f + g.padF[1]) * c;
  const pairs = Math.ceil(g.kernelT / 2);
  const kernelRows = 2 * dilation * (pairs - 1) + 1;
  const chunk = chunkOf(8192, frame, stride, kernelRows, 16);
  const at = ctx.work(B.SUMS_BYTES + frame * ((chunk - 1) * stride + kernelRows) + 64) + B.SUMS_BYTES;
  const block = tiledBlock(io, pairsFirst(io, pairs), ctx, [
    [B.PATCH, at],
    [B.CHUNK, chunk],
    [B.F_AFTER, g.padF[1]],
  ]);
  return { fn: 'depthwise_s8_simd', file: 'depthwise-simd', block };
}

/** Taps in pairs along time, feature by feature: tap i is (kf, 2 pairs), the last one past the kernel where its length is odd. */
function pairsFirst({ params: { geometry: g }, out }: StepIo<'depthwise'>, pairs: number): TileShape {
  const taps = 2 * pairs * g.kernelF;
  const at = (o: number, i: number) => {
    const [kf, kt] = [Math.floor(i / (2 * pairs)), i % (2 * pairs)];
    return kt < g.kernelT ? (kt * g.kernelF + kf) * out.c + o : -1;
  };
  return { groups: 1, outputs: out.c, taps, at };
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
