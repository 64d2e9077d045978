/**
 * Layers whose weights are fetched a tile at a time (assembly/kernels/fetch.ts).
 *
 * In: a step of a kernel with tiles, its weights' places.  Out: the address of its parameter block; its tiles
 * are added to the module's weights, in the order in which the kernel asks for them.  A tile has as many
 * outputs as fit the call's room: what the largest layer needs for its smallest tile.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import type { At } from '../block.ts';
import { FetchedBlock, type TileBlock } from '../blocks.ts';
import type { EmitContext, MacIo, TileLayout, TileShape } from '../ops/op.ts';
import { slidingFields } from '../ops/sliding.ts';
import { type TileTables, tiles } from './tiles.ts';

const align = (bytes: number, to: number) => to * Math.ceil(bytes / to);

/** Weights by parts of a layer's outputs. */
export interface Parts {
  /** A part has a multiple of so many outputs, or all of a group. */
  unit: number;
  /** Bytes of the weights of so many outputs, at most. */
  bytes(outputs: number): number;
  /** The weights of outputs first, first + 1, ..., all of one group. */
  weights(first: number, outputs: number): Int8Array;
}

/** What differs between targets with tiles. */
export interface Fetching {
  suffix: string;
  layout: TileLayout;
  /** Sums past a layer's last output that a tile or a block of channels may write. */
  pastEnd: number;
  /** What the sums of tiles start from, where that stands before each. */
  starts?(p: MacParams, shape: TileShape): Int32Array;
  /** depthwise: weights in blocks of channels. */
  inChannels(p: MacParams, shape: TileShape): Parts;
  /** Bytes an output of what a tile requantises by, and bytes that are read past the weights. */
  finishBytes: number;
  pastWeights: number;
  /**
   * Puts what output `o` of the layer requantises by where a tile of `most` outputs has it for its output
   * `at`.
   */
  put(p: MacParams, shape: TileShape, most: number): (view: DataView, at: number, o: number) => void;
  /** Where a kernel finds that, from address `bias` on. */
  fetched(p: MacParams, bias: number, most: number): TileTables;
}

/** Tiles of the target, as embedded weights have them. */
function inTiles({ layout, starts }: Fetching, p: MacParams, shape: TileShape): Parts {
  const unit = layout.outputs;
  const begin = starts?.(p, shape);
  const weights = (first: number, outputs: number) => {
    const part = { groups: 1, outputs, taps: shape.taps, at: (o: number, i: number) => shape.at(first + o, i) };
    return tiles(p.weights, part, layout, begin?.subarray(first, first + outputs));
  };
  const one = weights(0, Math.min(unit, shape.outputs / shape.groups)).length;
  return { unit, weights, bytes: (outputs) => one * Math.ceil(outputs / unit) };
}

/**
 * Where what a call has to itself begins, for tiles of so many outputs: sums, and what fills up the last
 * tile; a patch; what it requantises by, weights.
 */
function placesOf(target: Fetching, outputs: number, patchBytes: number, weightBytes: number) {
  const patch = 4 * (outputs + target.pastEnd);
  const tables = align(patch + patchBytes, 8);
  const weights = align(tables + target.finishBytes * outputs, 8);
  return { patch, tables, weights, end: weights + align(weightBytes, 4) + target.pastWeights };
}

/** The block of a call that fetches its tiles; `patchBytes`: of a copy of a place's taps. */
export function fetchedBlock(
  target: Fetching,
  io: MacIo,
  shape: TileShape,
  ctx: EmitContext,
  patchBytes: number,
  layer: Pick<TileBlock, 'per' | 'runs'>,
): At<FetchedBlock> {
  const p = io.params;
  const { unit, bytes, weights } = io.node.op === 'depthwise' ? target.inChannels(p, shape) : inTiles(target, p, shape);
  const perGroup = shape.outputs / shape.groups;
  const placesFor = (outputs: number) => placesOf(target, outputs, patchBytes, bytes(outputs));
  let most = Math.min(unit, perGroup);
  while (most < perGroup && placesFor(Math.min(most + unit, perGroup)).end <= ctx.room) most = Math.min(most + unit, perGroup);
  const places = placesFor(most);
  const put = target.put(p, shape, most);
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
    ...target.fetched(p, at + places.tables, most),
    patch: at + places.patch,
    sums: at,
    source: ctx.weights(all, found[0]?.length),
    tile_outputs: most,
    tile_bytes: found[0]?.length ?? 0,
    last_bytes: found.at(-1)?.length ?? 0,
  });
}
