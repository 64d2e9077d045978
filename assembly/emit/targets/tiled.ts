/**
 * Targets without SIMD whose kernels read weights in tiles: the calls of layers with weights.
 *
 * In: the differences between these targets.  Out: their calls of conv, depthwise and dense. Undefined if the
 * target has no kernel for a layer (several filters per channel; sums or multipliers out of range); the
 * operator's plain kernel then runs it.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import type { At } from '../block.ts';
import { TileBlock } from '../blocks.ts';
import { isPadded, sideBySide, tapsFirst, workspace } from '../ops/mac.ts';
import {
  type Call,
  callNamed,
  type EmitContext,
  type MacIo,
  type StepIo,
  type TargetParts,
  type TileLayout,
  type TileShape,
} from '../ops/op.ts';
import { slidingFields } from '../ops/sliding.ts';
import { type Fetching, fetchedBlock } from './fetched.ts';
import { leftOver, type TileTables, tiles } from './tiles.ts';

/** Fields of a block that depend on the call. */
type OfTileCall = Pick<TileBlock, 'per' | 'runs' | 'patch' | 'sums'>;

export interface Tiled extends Fetching {
  layout: TileLayout;
  /** Name of the kernel of depthwise. */
  channels: string;
  /** Bytes that are read past a copy of a depthwise layer's taps. */
  pastPatch: number;
  /** Checks whether the kernels can requantise this layer. */
  isSmall(p: MacParams, shape: TileShape): boolean;
  /** Requests the needs of a layer. */
  need(p: MacParams, ctx: EmitContext): void;
  tables(p: MacParams, shape: TileShape, ctx: EmitContext): TileTables;
}

export function tiled(target: Tiled): Omit<TargetParts, 'name' | 'module'> {
  const { layout, suffix } = target;
  /** Packs the block. `weights`: returns them in the layout of embedded weights. */
  const blockOf = (
    io: MacIo,
    shape: TileShape,
    weights: () => Int8Array,
    patchBytes: number,
    layer: Pick<OfTileCall, 'per' | 'runs'>,
    ctx: EmitContext,
  ): At<TileBlock> => {
    const p = io.params;
    target.need(p, ctx);
    if (shape.groups > 1) ctx.need('GROUPS');
    if (io.node.op !== 'depthwise' && leftOver(shape, layout) > 0) ctx.need('LEFT_OVER');
    if (patchBytes > 0) ctx.need('PATCHES');
    if (ctx.home === 'tile') return fetchedBlock(target, io, shape, ctx, patchBytes, layer);
    const room = workspace(ctx, 4 * (shape.outputs + target.pastEnd), patchBytes);
    return ctx.block(TileBlock, {
      ...slidingFields(io, p.geometry, p, p.xZero, ctx),
      weights: ctx.weights(weights()),
      ...target.tables(p, shape, ctx),
      ...layer,
      ...room,
    });
  };

  const mac = (op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call | undefined => {
    const p = io.params;
    if (!target.isSmall(p, shape)) return undefined;
    // taps are copied unless they are adjacent and none is padding
    const copied = op === 'conv' && (isPadded(io) || !sideBySide(io));
    const layer = { per: p.per, runs: sideBySide(io) ? 1 : 0 };
    const weights = () => tiles(p.weights, shape, layout, target.starts?.(p, shape));
    return callNamed(`${op}_s8_${target.suffix}`, blockOf(io, shape, weights, copied ? shape.taps : 0, layer, ctx));
  };

  /** Weights are in blocks of channels. A patch has all taps of all channels. */
  const depthwise = (io: StepIo<'depthwise'>, ctx: EmitContext): Call | undefined => {
    const { params: p, out } = io;
    const shape = tapsFirst(io);
    if (p.per !== 1 || !target.isSmall(p, shape)) return undefined;
    const { geometry: g } = p;
    const inTime = g.kernelF === 1 && g.padF[0] === 0 && g.padF[1] === 0;
    const patchBytes = !inTime || isPadded(io) ? shape.taps * out.c + target.pastPatch : 0;
    const layer = { per: out.c, runs: inTime ? 1 : 0 };
    const weights = () => target.inChannels(p, shape).weights(0, shape.outputs);
    return callNamed(target.channels, blockOf(io, shape, weights, patchBytes, layer, ctx));
  };
  return { suffixes: [suffix], vectors: false, past: 0, layout, mac, depthwise, pools: () => false };
}
