/**
 * Layers whose weights are fetched one tile at a time (assembly/kernels/fetch.ts).
 *
 * In: a step of a kernel with tiles, and where its weights are.  Out: the address of its parameter block. Its
 * tiles are added to the module's weights in the order in which the kernel fetches them.  A tile has as many
 * outputs as fit the workspace that the largest layer needs for its smallest tile.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import type { At } from '../block.ts';
import { FetchedBlock, type TileBlock } from '../blocks.ts';
import type { EmitContext, MacIo, TileLayout, TileShape } from '../ops/op.ts';
import { slidingFields } from '../ops/sliding.ts';
import { type TileTables, tiles } from './tiles.ts';

const align = (bytes: number, to: number) => to * Math.ceil(bytes / to);

/** Weights of a layer, in parts of its outputs. */
export interface Parts {
  /** A part has a multiple of `unit` outputs, or all of a group. */
  unit: number;
  /** Returns the largest number of bytes that the weights of `outputs` outputs can take. */
  bytes(outputs: number): number;
  /** Returns the weights of outputs first, first + 1, ..., all of one group. */
  weights(first: number, outputs: number): Int8Array;
}

/** Differences between targets with tiles. */
export interface Fetching {
  suffix: string;
  layout: TileLayout;
  /** Number of sums past a layer's last output that a tile or a block of channels may write. */
  pastEnd: number;
  /** Returns start values of sums, for targets that store them before each tile. */
  starts?(p: MacParams, shape: TileShape): Int32Array;
  /** depthwise: returns weights in blocks of channels. */
  inChannels(p: MacParams, shape: TileShape): Parts;
  /** Bytes per output of the requantisation data of a tile, and bytes that are read past the weights. */
  finishBytes: number;
  pastWeights: number;
  /**
   * Returns a function that stores the requantisation data of output `o` of the layer as that of output `at`
   * of a tile with `tileOutputs` outputs.
   */
  put(p: MacParams, shape: TileShape, tileOutputs: number): (view: DataView, at: number, o: number) => void;
  /** Returns where a kernel finds the requantisation data, from address `bias` on. */
  fetched(p: MacParams, bias: number, tileOutputs: number): TileTables;
}

/** Splits weights into tiles of the target, in the layout of embedded weights. */
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
 * Returns offsets in the workspace of a call, for tiles of `outputs` outputs: sums with room to pad the last
 * tile come first, then a patch, the requantisation data, the weights.
 */
function placesOf(target: Fetching, outputs: number, patchBytes: number, weightBytes: number) {
  const patch = 4 * (outputs + target.pastEnd);
  const tables = align(patch + patchBytes, 8);
  const weights = align(tables + target.finishBytes * outputs, 8);
  return { patch, tables, weights, end: weights + align(weightBytes, 4) + target.pastWeights };
}

/** Packs the block of a call that fetches its tiles. `patchBytes`: bytes to copy the taps of a position. */
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
  let size = Math.min(unit, perGroup);
  while (size < perGroup && placesFor(Math.min(size + unit, perGroup)).end <= ctx.room) size = Math.min(size + unit, perGroup);
  const places = placesFor(size);
  const put = target.put(p, shape, size);
  const found: Uint8Array[] = [];
  for (let first = 0; first < shape.outputs; ) {
    const outputs = Math.min(size, perGroup - (first % perGroup));
    const packed = weights(first, outputs);
    const tile = new Uint8Array(places.weights - places.tables + align(packed.length, 4));
    const view = new DataView(tile.buffer);
    for (let o = 0; o < outputs; o++) put(view, o, first + o);
    tile.set(new Uint8Array(packed.buffer, packed.byteOffset, packed.length), places.weights - places.tables);
    found.push(tile);
    first += outputs;
  }
  const all = Int8Array.from(found.flatMap((tile) => [...tile]));
  const at = ctx.work(places.end);
  return ctx.block(FetchedBlock, {
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    ...layer,
    weights: at + places.weights,
    ...target.fetched(p, at + places.tables, size),
    patch: at + places.patch,
    sums: at,
    source: ctx.weights(all, found[0]?.length),
    tile_outputs: size,
    tile_bytes: found[0]?.length ?? 0,
    last_bytes: found.at(-1)?.length ?? 0,
  });
}
