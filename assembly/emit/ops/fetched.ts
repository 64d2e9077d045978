/**
 * Layers whose weights are fetched a tile at a time (assembly/kernels/fetch.ts). Holds no operator.
 *
 * In: a step of a kernel with tiles, its weights' places.  Out: the address of its parameter block; its tiles are added to the module's weights, in the order
 * in which the kernel asks for them.  A tile has as many outputs as fit the call's room: what the largest layer needs for its smallest tile.
 */
import * as B from '../../kernels/block.ts';
import type { MacIo } from './mac-block.ts';
import type { Call, EmitContext, Fields } from './op.ts';
import { roundingZero } from './requantise-simd.ts';
import { slidingFields } from './sliding.ts';
import { channelBlocks, foldedBias, leftOver, type TileShape, tileOutputs, tiles } from './tiles.ts';

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
  const starts = foldedBias(p, shape);
  const weights = (first: number, outputs: number) => {
    const part = { groups: 1, outputs, taps: shape.taps, at: (o: number, i: number) => shape.at(first + o, i) };
    return tiles(p.weights, part, target, starts.subarray(first, first + outputs));
  };
  const one = weights(0, Math.min(unit, shape.outputs / shape.groups)).length;
  return { unit, weights, bytes: (outputs) => one * Math.ceil(outputs / unit) };
}

/** Blocks of four channels. */
function channelsOf({ params: p }: MacIo, shape: TileShape): Layout {
  const starts = foldedBias(p, shape);
  const weights = (first: number, outputs: number) =>
    channelBlocks(
      p.weights,
      { ...shape, outputs, at: (o, i) => shape.at(first + o, i) },
      starts.subarray(first, first + outputs),
    );
  return { unit: 4, weights, bytes: (outputs) => (16 + 4 * shape.taps) * Math.ceil(outputs / 4) };
}

/** Where what a call has to itself begins, for tiles of so many outputs: sums, and what fills up the last tile; a patch; multipliers, shifts, weights. */
function workspace(outputs: number, patchBytes: number, weightBytes: number) {
  const patch = 4 * (outputs + 5);
  const multiplier = align(patch + patchBytes, 8);
  const shift = multiplier + 4 * outputs;
  const weights = align(shift + outputs, 8);
  return { patch, multiplier, shift, weights, end: weights + align(weightBytes, 4) };
}

/** The block of a call that fetches its tiles; `patchBytes`: of a copy of a place's taps. */
export function fetchedBlock(
  op: 'conv' | 'dense' | 'depthwise',
  io: MacIo,
  shape: TileShape,
  ctx: EmitContext,
  patchBytes: number,
  more: Fields,
): number {
  const p = io.params;
  if (shape.groups > 1) ctx.need('GROUPS');
  if (op !== 'depthwise' && leftOver(shape, ctx.target) > 0) ctx.need('LEFT_OVER');
  const { unit, bytes, weights } = op === 'depthwise' ? channelsOf(io, shape) : inTiles(io, shape, ctx);
  const perGroup = shape.outputs / shape.groups;
  let most = Math.min(unit, perGroup);
  while (most < perGroup) {
    const larger = Math.min(most + unit, perGroup);
    if (workspace(larger, patchBytes, bytes(larger)).end > ctx.room) break;
    most = larger;
  }
  const places = workspace(most, patchBytes, bytes(most));
  const found: Uint8Array[] = [];
  for (let first = 0; first < shape.outputs; ) {
    const outputs = Math.min(most, perGroup - (first % perGroup));
    const own = weights(first, outputs);
    const tile = new Uint8Array(places.weights - places.multiplier + align(own.length, 4));
    const view = new DataView(tile.buffer);
    for (let o = 0; o < outputs; o++) {
      view.setInt32(4 * o, (p.multiplier[first + o] as number) << 1, true);
      view.setInt8(4 * most + o, -1 - (p.shift[first + o] as number));
    }
    tile.set(new Uint8Array(own.buffer, own.byteOffset, own.length), places.weights - places.multiplier);
    found.push(tile);
    first += outputs;
  }
  const all = Int8Array.from(found.flatMap((tile) => [...tile]));
  const at = ctx.work(places.end);
  return ctx.block(B.MAC_FETCHED_BYTES, [
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    [B.PER, p.per],
    [B.SUMS, at],
    [B.PATCH, at + places.patch],
    [B.MULTIPLIER, at + places.multiplier],
    [B.SHIFT, at + places.shift],
    [B.WEIGHTS, at + places.weights],
    [B.Y_ZERO, roundingZero(p)],
    [B.SOURCE, ctx.weights(all, found[0]?.length)],
    [B.TILE_OUTPUTS, most],
    [B.TILE_BYTES, found[0]?.length ?? 0],
    [B.LAST_BYTES, found.at(-1)?.length ?? 0],
    ...more,
  ]);
}

/** Before a call whose kernel reads all weights of its layer in the operator's own order. */
export const fetchCall = (ctx: EmitContext, block: number): Call[] =>
  ctx.home === 'tile' ? [{ fn: 'fetch_s8', file: 'fetch', block }] : [];
