/**
 * Layers whose weights are fetched a tile at a time (assembly/kernels/fetch.ts). Holds no operator.
 *
 * In: a step of a kernel with tiles, its weights' places.  Out: the address of its parameter block; its tiles are added to the module's weights, in the order
 * in which the kernel asks for them.  A tile has as many outputs as fit the call's room: what the largest layer needs for its smallest tile.
 */
import type { At } from '../block.ts';
import { FetchedBlock, type PlainBlock } from '../blocks.ts';
import type { Target } from '../target.ts';
import type { MacIo, OfTileCall, TileTables } from './mac-block.ts';
import { type Call, callOf, type EmitContext } from './op.ts';
import { interpZero, isSigned, scaleWords } from './requantise-interp.ts';
import { roundingZero } from './requantise-simd.ts';
import { needOnce, slidingFields } from './sliding.ts';
import {
  channelBlocks,
  foldedBias,
  lanes,
  leftOver,
  nativeShift,
  scales,
  startsOf,
  sumBytes,
  type TileShape,
  tileOutputs,
  tiles,
} from './tiles.ts';

const align = (bytes: number, to: number) => to * Math.ceil(bytes / to);

/** What differs between the kernels with tiles. */
interface Layout {
  /** A tile has a multiple of so many outputs, or all of a group. */
  unit: number;
  /** Bytes of the weights of so many outputs, at most. */
  bytes(outputs: number): number;
  /** The weights of outputs first, first + 1, ..., all of one group. */
  weights(first: number, outputs: number): Int8Array;
}

/** Tiles of the target, as embedded weights have them. */
function inTiles({ params: p }: MacIo, shape: TileShape, { target }: EmitContext): Layout {
  const unit = tileOutputs[target];
  const starts = startsOf(p, shape, target);
  const weights = (first: number, outputs: number) => {
    const part = { groups: 1, outputs, taps: shape.taps, at: (o: number, i: number) => shape.at(first + o, i) };
    return tiles(p.weights, part, target, starts?.subarray(first, first + outputs));
  };
  const one = weights(0, Math.min(unit, shape.outputs / shape.groups)).length;
  return { unit, weights, bytes: (outputs) => one * Math.ceil(outputs / unit) };
}

/** Blocks of four channels with what their sums start from; interp: channels side by side, taps one after the other. */
function channelsOf({ params: p }: MacIo, { taps, at }: TileShape, { target }: EmitContext): Layout {
  if (target === 'interp') {
    const weights = (first: number, outputs: number) =>
      Int8Array.from(
        { length: taps * outputs },
        (_, i) => p.weights[at(first + (i % outputs), Math.floor(i / outputs))] as number,
      );
    return { unit: 4, weights, bytes: (outputs) => taps * outputs };
  }
  const starts = foldedBias(p, { groups: 1, outputs: p.bias.length, taps, at });
  const weights = (first: number, outputs: number) => {
    const part = { groups: 1, outputs, taps, at: (o: number, i: number) => at(first + o, i) };
    return channelBlocks(p.weights, part, starts.subarray(first, first + outputs));
  };
  return { unit: 4, weights, bytes: (outputs) => (16 + 4 * taps) * Math.ceil(outputs / 4) };
}

/** Where what a call has to itself begins, for tiles of so many outputs: sums, and what fills up the last tile; a patch; what it requantises by, weights. */
function workspace(target: Target, outputs: number, patchBytes: number, weightBytes: number) {
  const patch = sumBytes(outputs, target);
  const tables = align(patch + patchBytes, 8);
  const weights = align(tables + (target === 'interp' ? 4 * scaleWords : 5) * outputs, 8);
  // interp: blocks of four or eight channels read up to seven bytes past the last
  return { patch, tables, weights, end: weights + align(weightBytes, 4) + (target === 'interp' ? 8 : 0) };
}

type Places = ReturnType<typeof workspace>;

/** What a tile of `most` outputs requantises by: puts output `o` of the layer, `at` of the tile, where its kernels look for it. */
function putter({ params: p }: MacIo, shape: TileShape, { target }: EmitContext, most: number) {
  const table = target === 'interp' && scales(p, shape);
  return (view: DataView, at: number, o: number) => {
    if (table) {
      for (let i = 0; i < scaleWords; i++) view.setInt32(4 * (scaleWords * at + i), table[scaleWords * o + i] as number, true);
      return;
    }
    view.setInt32(4 * at, (p.multiplier[o] as number) << 1, true);
    view.setInt8(4 * most + at, nativeShift(p.shift[o] as number));
  };
}

/** Where a kernel finds its constants; a tile goes to `bias`. */
function constantFields({ params: p }: MacIo, { target }: EmitContext, at: number, { tables }: Places, most: number): TileTables {
  const bias = at + tables;
  if (target === 'interp') return { y_zero: interpZero(p), bias, multiplier: lanes.low, shift: lanes.high };
  return { y_zero: roundingZero(p), bias, multiplier: bias, shift: bias + 4 * most };
}

/** The block of a call that fetches its tiles; `patchBytes`: of a copy of a place's taps. */
export function fetchedBlock(
  op: 'conv' | 'dense' | 'depthwise',
  io: MacIo,
  shape: TileShape,
  ctx: EmitContext,
  patchBytes: number,
  layer: Pick<OfTileCall, 'per' | 'runs'>,
): At<FetchedBlock> {
  const p = io.params;
  if (shape.groups > 1) ctx.need('GROUPS');
  if (ctx.target === 'interp' && isSigned(p)) ctx.need('SIGNED');
  if (ctx.target === 'native') needOnce(p, ctx);
  if (op !== 'depthwise' && leftOver(shape, ctx.target) > 0) ctx.need('LEFT_OVER');
  const { unit, bytes, weights } = op === 'depthwise' ? channelsOf(io, shape, ctx) : inTiles(io, shape, ctx);
  const perGroup = shape.outputs / shape.groups;
  let most = Math.min(unit, perGroup);
  while (most < perGroup) {
    const larger = Math.min(most + unit, perGroup);
    if (workspace(ctx.target, larger, patchBytes, bytes(larger)).end > ctx.room) break;
    most = larger;
  }
  const places = workspace(ctx.target, most, patchBytes, bytes(most));
  const put = putter(io, shape, ctx, most);
  const found: Uint8Array[] = [];
  for (let first = 0; first < shape.outputs; ) {
    const outputs = Math.min(most, perGroup - (first % perGroup));
    const own = weights(first, outputs);
    const tile = new Uint8Array(places.weights - places.tables + align(own.length, 4));
    const view = new DataView(tile.buffer);
    for (let o = 0; o < outputs; o++) put(view, o, first + o);
    tile.set(new Uint8Array(own.buffer, own.byteOffset, own.length), places.weights - places.tables);
    found.push(tile);
    first += outputs;
  }
  const all = Int8Array.from(found.flatMap((tile) => [...tile]));
  const at = ctx.work(places.end);
  return ctx.block(FetchedBlock, {
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    ...layer,
    weights: at + places.weights,
    ...constantFields(io, ctx, at, places, most),
    patch: at + places.patch,
    sums: at,
    source: ctx.weights(all, found[0]?.length),
    tile_outputs: most,
    tile_bytes: found[0]?.length ?? 0,
    last_bytes: found.at(-1)?.length ?? 0,
  });
}

/** Before a call whose kernel reads all weights of its layer in the operator's own order. */
export const fetchCall = (ctx: EmitContext, block: At<PlainBlock>): Call[] =>
  ctx.home === 'tile' ? [callOf('fetch_s8', block)] : [];
