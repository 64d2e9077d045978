/**
 * Target simd: SIMD128, for browsers and Node. Layers with weights.
 *
 * In: a step, its weights' places.  Out: the call; its block says how many rows are widened together, and how
 * far apart places lie then.
 */
import type { At } from '../block.ts';
import { SimdBlock } from '../blocks.ts';
import type { Need } from '../needs.ts';
import { convShape, denseShape, isPadded, sideBySide, tapsFirst, windowRule, workspace } from '../ops/mac.ts';
import {
  type Call,
  callOf,
  type EmitContext,
  type MacIo,
  type StepIo,
  type TargetParts,
  type TileLayout,
  type TileShape,
} from '../ops/op.ts';
import { slidingFields } from '../ops/sliding.ts';
import { finishFields, mayRequantise, mayShift } from './requantise-simd.ts';
import { type SimdLayer, simdLoops } from './simd-loops.ts';
import { placeTiles, zippedTiles } from './simd-weights.ts';
import { byteTile, foldedBias, largestSum, tiles } from './tiles.ts';

const layout: TileLayout = { outputs: 8, leaves: false, tile: byteTile(8, (o, i) => 16 * (i >> 1) + 2 * o + (i & 1)) };

type OfSimdCall = Pick<SimdBlock, 'chunk' | 'patch' | 'sums' | 'place' | 'pool'>;

/**
 * The block of a call of simd. `raw`: its kernel takes inputs with their zero point, its sums shifted up by
 * so many bits.
 */
function simdBlock(
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

/**
 * Values of the widened input between two places; undefined where they do not lie evenly, or their taps not
 * side by side.
 */
function placeStep(io: MacIo): number | undefined {
  const { geometry: g } = io.params;
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const { stride, dilation } = windowRule(io);
  // every dilation-th row by itself has no dilation
  if (!sideBySide(io, 1) || (dilation > 1 && (stride > 1 || io.out.f > 1))) return undefined;
  if (io.out.f === 1) return stride * f * c;
  return g.kernelT * g.kernelF === 1 && stride === 1 && g.strideF === 1 ? c : undefined;
}

const isSmall = ({ params: p }: MacIo, shape: TileShape): boolean => mayRequantise(p, (o) => largestSum(p, shape, o));

const pools = (io: StepIo<'conv'>, places: number): boolean =>
  !io.params.types &&
  [2, 4].includes(places) &&
  io.step.outRows % 4 === 0 &&
  io.out.f === 1 &&
  windowRule(io).dilation === 1 &&
  placeStep(io) !== undefined &&
  isSmall(io, convShape(io));

/** Output rows that are widened together, in fours, so that their input takes about `bytes`. */
const chunkOf = (bytes: number, rowBytes: number, stride: number, kernelRows: number, most: number): number =>
  Math.min(most, Math.max(4, 4 * Math.floor((bytes / rowBytes - kernelRows) / stride / 4)));

/** Whether a call makes one place, whose taps lie side by side in the input. */
const isAlone = (op: 'conv' | 'dense', io: MacIo, groups: number): boolean =>
  op === 'dense' ||
  (io.step.outRows === 1 && io.out.f === 1 && io.step.kind !== 'edge' && groups === 1 && !isPadded(io) && sideBySide(io));

/**
 * Whether a call of depthwise makes one row of one feature without padding, and 256 times its sums are exact.
 */
function isRowAlone(io: StepIo<'depthwise'>): boolean {
  const { step, params: p, x, out } = io;
  const shape = tapsFirst(io);
  return (
    step.outRows === 1 &&
    step.kind !== 'edge' &&
    (x[0]?.shape.f ?? 0) === 1 &&
    out.f === 1 &&
    p.geometry.kernelF === 1 &&
    !isPadded(io) &&
    mayShift(p, (o) => largestSum(p, shape, o), 8)
  );
}

/** How many of `total` rows lie in each of `parts` that take every so manieth one. */
const dealt = (total: number, parts: number): number[] =>
  Array.from({ length: Math.min(total, parts) }, (_, i) => Math.ceil((total - i) / parts));

/** What a layer asks of its loops; nothing where it has another kernel. */
function loopsOf(io: MacIo, pooled: boolean): SimdLayer | undefined {
  const { op } = io.node;
  if (io.taps || io.fold || io.params.types) return undefined;
  const { outRows, kind } = io.step;
  const { geometry: g, per } = io.params;
  const { dilation } = windowRule(io);
  const tiles = Math.ceil(io.out.c / 8);
  if (op === 'depthwise') {
    const own = io as StepIo<'depthwise'>;
    if (per !== 1 || !isSmall(own, tapsFirst(own))) return undefined;
    const pairs = Math.ceil(g.kernelT / 2) * g.kernelF;
    const runs = dealt(outRows, dilation);
    const needs: Need[] = kind === 'edge' ? ['ROW_FOURS', 'ROW_ONES'] : [];
    return { op, runs, tiles: tiles * io.out.f, pairs, inFours: windowRule(io).stride === 1, alone: isRowAlone(own), needs };
  }
  const shape = op === 'dense' ? denseShape(io as StepIo<'dense'>) : convShape(io as StepIo<'conv'>);
  if (!isSmall(io, shape)) return undefined;
  const pairs = 2 * Math.ceil(shape.taps / 4);
  const all = op === 'dense' ? [1] : placeStep(io) === undefined ? [outRows] : dealt(outRows, dilation);
  const needs: Need[] = kind === 'edge' ? ['FOURS', 'PAIRS', 'ONES'] : pooled ? ['FOURS'] : [];
  const runs = all.map((rows) => rows * (op === 'dense' ? 1 : io.out.f));
  return {
    op: 'conv',
    runs,
    tiles: shape.groups * Math.ceil(io.out.c / shape.groups / 8),
    pairs,
    inFours: true,
    alone: isAlone(op, io, shape.groups),
    needs,
  };
}

/** One place a call. */
function placeSimd(io: MacIo, shape: TileShape, ctx: EmitContext): Call {
  const taps = 8 * Math.ceil(shape.taps / 8);
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const room = workspace(ctx, 4 * (shape.outputs + 16), 2 * taps);
  const weights = placeTiles(io.params.weights, shape);
  const call = { ...room, chunk: 0, place: taps, pool: windowRule(io).stride * f * c };
  return callOf('conv_place_s8_simd', simdBlock(io, shape, weights, ctx, call));
}

const mac: TargetParts['mac'] = (op, io, shape, ctx) => {
  if (!isSmall(io, shape)) return undefined;
  if (ctx.module.alone && isAlone(op, io, shape.groups)) return placeSimd(io, shape, ctx);
  if (io.pool) ctx.need('POOLED');
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
  // sums of four places, each with what a tile of sixteen writes past them, then the widened input
  const room = workspace(ctx, 4 * 4 * (shape.outputs + 16), bytes + slack);
  const own = { ...room, chunk, place: place ?? 0, pool: io.pool?.places ?? 1 };
  if (shape.groups > 1) ctx.need('GROUPS');
  const block = simdBlock(io, shape, tiles(io.params.weights, shape, layout), ctx, own);
  const kind = op === 'dense' ? 'dense' : place === undefined ? 'conv_patch' : 'conv_rows';
  return callOf(`${kind}_s8_simd`, block);
};

const depthwise: TargetParts['depthwise'] = (io, ctx) => {
  if (io.params.per !== 1 || !isSmall(io, tapsFirst(io))) return undefined;
  const { dilation } = windowRule(io);
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const sums = 4 * (io.out.c + 16);
  // the tap past an odd kernel is read past the input, which lies before this
  const room = workspace(ctx, sums, Math.max(sums, dilation * f * c) - sums + 16);
  const call = { ...room, chunk: 0, place: 0, pool: 0 };
  const shape = pairsFirst(io);
  if (ctx.module.rowAlone && isRowAlone(io)) {
    return callOf('depthwise_row_s8_simd', simdBlock(io, shape, zippedTiles(io.params.weights, shape), ctx, call, 8));
  }
  if (io.out.c % 8 !== 0) ctx.need('ROW_PARTS');
  // weights that are int16 need not be widened where they are used
  const wide = Int16Array.from(tiles(io.params.weights, shape, layout));
  return callOf('depthwise_s8_simd', simdBlock(io, shape, new Int8Array(wide.buffer), ctx, call, 0));
};

/**
 * Taps in pairs along time, feature by feature: tap i is (kf, 2 pairs), the last one past the kernel where
 * its length is odd.
 */
function pairsFirst({ params: { geometry: g }, out }: StepIo<'depthwise'>): TileShape {
  const pairs = Math.ceil(g.kernelT / 2);
  const taps = 2 * pairs * g.kernelF;
  const at = (o: number, i: number) => {
    const [kf, kt] = [Math.floor(i / (2 * pairs)), i % (2 * pairs)];
    return kt < g.kernelT ? (kt * g.kernelF + kf) * out.c + o : -1;
  };
  return { groups: 1, outputs: out.c, taps, at };
}

export const simd: TargetParts = {
  name: 'simd',
  suffix: 'simd',
  vectors: true,
  past: 16,
  layout,
  mac,
  depthwise,
  pools,
  module: (layers) => simdLoops(layers.flatMap(({ io, pooled }) => loopsOf(io, pooled) ?? [])),
};
