/**
 * Calls of conv, depthwise and dense in a target's kernels, their weights in tiles. Holds no operator.
 *
 * In: a step that computes whole outputs (no partial tap sums, no waiting accumulators).  Out: the call, or nothing where the target has no
 * kernel for it, and the operator's own kernel is taken.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import * as B from '../../kernels/block.ts';
import type { Target } from '../target.ts';
import type { Call, EmitContext, Fields, StepIo } from './op.ts';
import { slidingFields } from './sliding.ts';
import { foldedBias, inEights, simdShifts, type TileShape, tiles } from './tiles.ts';

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
function tables(p: MacParams, shape: TileShape, ctx: EmitContext): [number, number][] | undefined {
  if (ctx.target !== 'simd')
    return [
      [B.BIAS, ctx.table(foldedBias(p, shape))],
      [B.MULTIPLIER, ctx.table(p.multiplier)],
      [B.SHIFT, ctx.table(Int8Array.from(p.shift))],
    ];
  const shifts = simdShifts(p.shift);
  return (
    shifts && [
      [B.BIAS, ctx.table(inEights(p.bias))],
      [B.MULTIPLIER, ctx.table(inEights(p.multiplier))],
      [B.SHIFT, ctx.table(inEights(shifts.right))],
      [B.LEFT, ctx.table(inEights(shifts.left))],
    ]
  );
}

/** What a call has to itself: a patch; interp and native: the sums of a place before it, and of what fills up its last tile. */
function workspace(ctx: EmitContext, outputs: number, patchBytes: number): Fields {
  const sums = ctx.target === 'simd' ? 0 : 4 * (outputs + 5);
  const at = ctx.work(sums + patchBytes);
  return [[B.PATCH, at + sums], ...(sums > 0 ? ([[B.SUMS, at]] as Fields) : [])];
}

/** int16 of four places, and what widening writes past them; elsewhere int8 of one. */
const patchBytes = (target: Target, taps: number): number => (target === 'simd' ? 8 * (taps + (taps & 1)) + 16 : taps);

/** The block of a call whose weights are in tiles; undefined where the target's kernels cannot shift so far. */
function tiledBlock(io: MacIo, shape: TileShape, ctx: EmitContext, more: Fields): number | undefined {
  const p = io.params;
  const made = tables(p, shape, ctx);
  return (
    made &&
    ctx.block(ctx.target === 'simd' ? B.MAC_SIMD_BYTES : B.MAC_BYTES, [
      ...slidingFields(io, p.geometry, p, p.xZero),
      [B.Y_ZERO, p.yZero],
      [B.PER, p.per],
      [B.WEIGHTS, ctx.weights(tiles(p.weights, shape, ctx.target))],
      ...made,
      ...more,
    ])
  );
}

/** conv and dense: `shape` says where weights stand. */
export function macCall(op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call | undefined {
  const block = tiledBlock(io, shape, ctx, [
    [B.RUNS, sideBySide(io) ? 1 : 0],
    ...workspace(ctx, shape.outputs, needsPatch(op, io, ctx.target) ? patchBytes(ctx.target, shape.taps) : 0),
  ]);
  return block === undefined ? undefined : { fn: `${op}_s8_${ctx.target}`, file: `conv-${ctx.target}`, block };
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
  if (io.params.per !== 1) return undefined;
  return ctx.target === 'simd' ? depthwiseSimd(io, ctx) : depthwiseBlocks(io, ctx);
}

function depthwiseSimd(io: StepIo<'depthwise'>, ctx: EmitContext): Call | undefined {
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
  return block === undefined ? undefined : { fn: 'depthwise_s8_simd', file: 'depthwise-simd', block };
}

/** Weights stay in the operator's own order; a patch is as long as all taps of all channels. */
function depthwiseBlocks(io: StepIo<'depthwise'>, ctx: EmitContext): Call {
  const p = io.params;
  const shape = tapsFirst(io);
  const inTime = p.geometry.kernelF === 1 && p.geometry.padF[0] === 0 && p.geometry.padF[1] === 0;
  const block = ctx.block(B.MAC_BYTES, [
    ...slidingFields(io, p.geometry, p, p.xZero),
    [B.Y_ZERO, p.yZero],
    [B.PER, io.out.c],
    [B.WEIGHTS, ctx.weights(p.weights)],
    ...(tables(p, shape, ctx) ?? []),
    [B.RUNS, inTime ? 1 : 0],
    ...workspace(ctx, io.out.c, !inTime || isPadded(io) ? shape.taps * io.out.c + 4 : 0),
  ]);
  return { fn: 'depthwise_s8_blocks', file: 'depthwise-blocks', block };
}
