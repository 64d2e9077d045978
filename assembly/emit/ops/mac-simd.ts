/**
 * Calls of conv, depthwise and dense with SIMD128. Holds no operator.
 *
 * In: a step, its weights' places.  Out: the call; its block says how many rows are widened together, and how far apart places lie then.
 */
import * as B from '../../kernels/block.ts';
import type { Target } from '../target.ts';
import { convShape, type MacIo, sideBySide, tiledBlock, windowRule } from './mac-block.ts';
import type { Call, EmitContext, Fields, StepIo } from './op.ts';
import { isSmall, type TileShape } from './tiles.ts';

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

/** Sums of four places, each with what a tile of sixteen writes past them, then the widened input. */
function workspace(ctx: EmitContext, outputs: number, bytes: number): Fields {
  const sums = 4 * 4 * (outputs + 16);
  const at = ctx.work(sums + bytes);
  return [
    [B.SUMS, at],
    [B.PATCH, at + sums],
  ];
}

/** Whether some places are two or three beside whole fours; each of `dilation` runs of rows is taken for itself. */
function hasPairs(io: MacIo): boolean {
  const { dilation } = windowRule(io);
  const rows = io.step.outRows / dilation;
  return io.step.kind === 'edge' || [Math.floor(rows), Math.ceil(rows)].some((count) => (count * io.out.f) % 4 >= 2);
}

/** conv and dense. */
export function macSimd(op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call {
  if (io.pool) ctx.need('POOLED');
  if (op === 'conv' && hasPairs(io)) ctx.need('PAIRS');
  const { geometry: g } = io.params;
  const place = op === 'conv' ? placeStep(io) : undefined;
  // what widening writes and tiles read past the taps
  const slack = 32;
  let bytes = 2 * 4 * Math.ceil(shape.taps / 4) * (op === 'conv' ? 4 * shape.groups : 1);
  let chunk = 0;
  if (place !== undefined) {
    const { stride } = windowRule(io);
    const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
    chunk = chunkOf(4096, 2 * f * c, stride, g.kernelT, 32);
    bytes = 2 * f * c * ((chunk - 1) * stride + g.kernelT);
  }
  const block = tiledBlock(io, shape, ctx, [
    ...workspace(ctx, shape.outputs, bytes + slack),
    [B.CHUNK, chunk],
    [B.PLACE, place ?? 0],
    [B.POOL, io.pool?.places ?? 1],
  ]);
  const kind = op === 'dense' ? 'dense' : place === undefined ? 'conv_patch' : 'conv_rows';
  return { fn: `${kind}_s8_simd`, file: 'conv-simd', block };
}

/** depthwise with one filter a channel. */
export function depthwiseSimd(io: StepIo<'depthwise'>, ctx: EmitContext): Call {
  const { geometry: g } = io.params;
  const { stride, dilation } = windowRule(io);
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const pairs = Math.ceil(g.kernelT / 2);
  const shape = pairsFirst(io, pairs);
  if (f === 1 && io.out.f === 1 && g.kernelF === 1) {
    const block = tiledBlock(io, shape, ctx, workspace(ctx, io.out.c, 16));
    return { fn: 'depthwise_rows_s8_simd', file: 'depthwise-rows-simd', block };
  }
  const frame = 4 * (g.padF[0] + f + g.padF[1]) * c;
  const kernelRows = 2 * dilation * (pairs - 1) + 1;
  const chunk = chunkOf(8192, frame, stride, kernelRows, 16);
  const block = tiledBlock(io, shape, ctx, [
    ...workspace(ctx, io.out.c, frame * ((chunk - 1) * stride + kernelRows) + 64),
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
