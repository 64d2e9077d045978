/**
 * Targets with SIMD128, simd and relaxed: the calls of layers with weights.
 *
 * In: the differences between them.  Out: their calls of conv, depthwise and dense; undefined if the kernels
 * cannot requantise a layer. A block says how many rows are converted to taps together, and how far apart
 * output positions then are.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
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
import { type FinishOptions, finishFields, mayRequantise, mayShift } from './requantise-simd.ts';
import { type LoopCosts, type SimdLayer, simdLoops } from './simd-loops.ts';
import { largestSum, tiles } from './tiles.ts';

type PackWeights = (weights: Int8Array, shape: TileShape) => Int8Array;

/** Differences between these targets. */
export interface Vectors extends Pick<TargetParts, 'name' | 'suffixes'> {
  layout: TileLayout;
  /** Bytes of a tap in the multiplications of conv and dense. */
  tapBytes: number;
  /** Requests needs that do not follow from the geometry of a layer. */
  need?(p: MacParams, ctx: EmitContext): void;
  /** Returns the excess in the sums of conv and dense. */
  excess(p: MacParams, shape: TileShape): FinishOptions;
  depthwise: {
    /** Number of taps along time that are multiplied at once. */
    taps: number;
    weights: PackWeights;
    excess(p: MacParams, shape: TileShape): FinishOptions;
  };
  /** Packing of weights for layers with one position per call, and for depthwise layers with one row. */
  alone?: { conv: PackWeights; row: PackWeights };
  costs: LoopCosts;
}

type OfSimdCall = Pick<SimdBlock, 'chunk' | 'patch' | 'sums' | 'place' | 'pool'>;

/**
 * Returns the values of taps between two positions; undefined if positions are not evenly spaced, or their
 * taps not adjacent.
 */
function placeStep(io: MacIo): number | undefined {
  const { geometry: g } = io.params;
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const { stride, dilation } = windowRule(io);
  // every dilation-th row, taken separately, has no dilation
  if (!sideBySide(io, 1) || (dilation > 1 && (stride > 1 || io.out.f > 1))) return undefined;
  if (io.out.f === 1) return stride * f * c;
  return g.kernelT * g.kernelF === 1 && stride === 1 && g.strideF === 1 ? c : undefined;
}

const isSmall = ({ params: p }: MacIo, shape: TileShape): boolean => mayRequantise(p, (o) => largestSum(p, shape, o));

const pools = (io: MacIo, places: number): boolean =>
  !io.params.types &&
  [2, 4].includes(places) &&
  io.step.outRows % 4 === 0 &&
  io.out.f === 1 &&
  windowRule(io).dilation === 1 &&
  placeStep(io) !== undefined &&
  isSmall(io, convShape(io as StepIo<'conv'>));

/** Returns the output rows whose input is converted together: a multiple of 4, about `bytes` of taps. */
const chunkOf = (bytes: number, rowBytes: number, stride: number, kernelRows: number, maxRows: number): number =>
  Math.min(maxRows, Math.max(4, 4 * Math.floor((bytes / rowBytes - kernelRows) / stride / 4)));

/** Checks whether a call computes one output position whose taps are adjacent in the input. */
const isAlone = (op: 'conv' | 'dense', io: MacIo, groups: number): boolean =>
  op === 'dense' ||
  (io.step.outRows === 1 && io.out.f === 1 && io.step.kind !== 'edge' && groups === 1 && !isPadded(io) && sideBySide(io));

/**
 * Checks whether a call of depthwise computes one row of one feature without padding, and 256 times its sums
 * are exact.
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

/** Returns the sizes of `parts` parts to which `total` rows are dealt in turn. */
const dealt = (total: number, parts: number): number[] =>
  Array.from({ length: Math.min(total, parts) }, (_, i) => Math.ceil((total - i) / parts));

/** Returns what a layer needs of its loops; undefined if it has another kernel. */
function loopsOf(io: MacIo, pooled: boolean, depthwiseTaps: number): SimdLayer | undefined {
  const { op } = io.node;
  if (io.taps || io.fold || io.params.types) return undefined;
  const { outRows, kind } = io.step;
  const { geometry: g, per } = io.params;
  const { dilation } = windowRule(io);
  const tiles = Math.ceil(io.out.c / 8);
  if (op === 'depthwise') {
    const layer = io as StepIo<'depthwise'>;
    if (per !== 1 || !isSmall(layer, tapsFirst(layer))) return undefined;
    const pairs = (Math.ceil(g.kernelT / depthwiseTaps) * g.kernelF * depthwiseTaps) / 2;
    const runs = dealt(outRows, dilation);
    const needs: Need[] = kind === 'edge' ? ['ROW_FOURS', 'ROW_ONES'] : [];
    return { op, runs, tiles: tiles * io.out.f, pairs, inFours: windowRule(io).stride === 1, alone: isRowAlone(layer), needs };
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

/**
 * Orders taps in groups of `together` along time, feature by feature. Tap i is (kf, kt); taps past the kernel
 * fill its last group.
 */
function alongTime({ params: { geometry: g }, out }: StepIo<'depthwise'>, together: number): TileShape {
  const perFeature = together * Math.ceil(g.kernelT / together);
  const at = (o: number, i: number) => {
    const [kf, kt] = [Math.floor(i / perFeature), i % perFeature];
    return kt < g.kernelT ? (kt * g.kernelF + kf) * out.c + o : -1;
  };
  return { groups: 1, outputs: out.c, taps: perFeature * g.kernelF, at };
}

/** Weights of one call in the layout of the kernel, its workspace, and the excess of its sums. */
interface CallParts {
  shape: TileShape;
  weights: Int8Array;
  sizes: OfSimdCall;
  excess: FinishOptions;
}

function blockOf(target: Vectors, io: MacIo, { shape, weights, sizes, excess }: CallParts, ctx: EmitContext): At<SimdBlock> {
  const p = io.params;
  target.need?.(p, ctx);
  return ctx.block(SimdBlock, {
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    per: p.per,
    weights: ctx.weights(weights),
    ...finishFields(p, (o) => largestSum(p, shape, o), ctx, excess),
    ...sizes,
  });
}

/** Returns the call of a layer with one output position per call. */
function placeCall(target: Vectors, io: MacIo, shape: TileShape, pack: PackWeights, ctx: EmitContext): Call {
  const taps = 8 * Math.ceil(shape.taps / 8);
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const room = workspace(ctx, 4 * (shape.outputs + 16), 2 * taps);
  const sizes = { ...room, chunk: 0, place: taps, pool: windowRule(io).stride * f * c };
  const weights = pack(io.params.weights, shape);
  return callOf('conv_place_s8_simd', blockOf(target, io, { shape, weights, sizes, excess: {} }, ctx));
}

/** Returns the rows that are converted to taps together, and bytes of taps; 0 rows if taps are copied. */
function tapsRoom(tapBytes: number, op: 'conv' | 'dense', io: MacIo, shape: TileShape, step?: number) {
  if (step === undefined) {
    const groups = op === 'conv' ? 4 * shape.groups : 1;
    return { chunk: 0, bytes: tapBytes * 4 * Math.ceil(shape.taps / 4) * groups };
  }
  const { kernelT } = io.params.geometry;
  const { stride } = windowRule(io);
  const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
  const chunk = chunkOf(4096, tapBytes * f * c, stride, kernelT, 32);
  return { chunk, bytes: tapBytes * f * c * ((chunk - 1) * stride + kernelT) };
}

const macCall =
  (target: Vectors): TargetParts['mac'] =>
  (op, io, shape, ctx) => {
    const { layout, tapBytes, alone } = target;
    if (!isSmall(io, shape)) return undefined;
    if (alone && ctx.module.alone && isAlone(op, io, shape.groups)) return placeCall(target, io, shape, alone.conv, ctx);
    if (io.pool) ctx.need('POOLED');
    const step = op === 'conv' ? placeStep(io) : undefined;
    // bytes that are written or read past the taps
    const slack = 32;
    const { chunk, bytes } = tapsRoom(tapBytes, op, io, shape, step);
    // sums of four positions, each with room past them for a tile of sixteen, then the taps
    const room = workspace(ctx, 4 * 4 * (shape.outputs + 16), bytes + slack);
    const sizes = { ...room, chunk, place: step ?? 0, pool: io.pool?.places ?? 1 };
    if (shape.groups > 1) ctx.need('GROUPS');
    const weights = tiles(io.params.weights, shape, layout);
    const block = blockOf(target, io, { shape, weights, sizes, excess: target.excess(io.params, shape) }, ctx);
    const kind = op === 'dense' ? 'dense' : step === undefined ? 'conv_patch' : 'conv_rows';
    return callOf(`${kind}_s8_simd`, block);
  };

const depthwiseCall =
  (target: Vectors): TargetParts['depthwise'] =>
  (io, ctx) => {
    const { params: p, out } = io;
    if (p.per !== 1 || !isSmall(io, tapsFirst(io))) return undefined;
    const { dilation } = windowRule(io);
    const { f, c } = io.x[0]?.shape ?? { f: 1, c: 1 };
    const { taps, weights, excess } = target.depthwise;
    const sums = 4 * (out.c + 16);
    // rows past the kernel are read past the input, which lies before the workspace
    const room = workspace(ctx, sums, Math.max(sums, (taps - 1) * dilation * f * c) - sums + 16);
    const sizes = { ...room, chunk: 0, place: 0, pool: 0 };
    const shape = alongTime(io, taps);
    if (target.alone && ctx.module.rowAlone && isRowAlone(io)) {
      const shifted = { ...excess(p, shape), up: 8 };
      const row = { shape, weights: target.alone.row(p.weights, shape), sizes, excess: shifted };
      return callOf('depthwise_row_s8_simd', blockOf(target, io, row, ctx));
    }
    if (out.c % 8 !== 0) ctx.need('ROW_PARTS');
    const parts = { shape, weights: weights(p.weights, shape), sizes, excess: excess(p, shape) };
    return callOf('depthwise_s8_simd', blockOf(target, io, parts, ctx));
  };

export const vectors = (target: Vectors): TargetParts => ({
  name: target.name,
  suffixes: target.suffixes,
  vectors: true,
  past: 16,
  layout: target.layout,
  mac: macCall(target),
  depthwise: depthwiseCall(target),
  pools,
  module: (layers) =>
    simdLoops(
      layers.flatMap(({ io, pooled }) => loopsOf(io, pooled, target.depthwise.taps) ?? []),
      target.costs,
    ),
});
