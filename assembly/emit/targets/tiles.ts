/**
 * Weights in tiles, as the kernels of a target read them, with start values of their sums.
 *
 * In: MacParams and where each weight is; the layout of a target.  Out: bytes of the region `weights`.
 * Outputs and taps that pad a tile are 0.
 */
import { join } from '../../../models/lists.ts';
import type { MacParams } from '../../../quant/ops/op.ts';
import type { MacBlock } from '../blocks.ts';
import { FEW_TAPS } from '../kernels.ts';
import type { TileLayout, TileShape } from '../ops/op.ts';

/** Fields of a block with the requantisation data. */
export type TileTables = Pick<MacBlock, 'y_zero' | 'bias' | 'multiplier' | 'shift'>;

/**
 * Returns how many outputs remain after full tiles and are stored without a tile: one or two outputs with
 * many taps, for which a tile would be mostly zeros.
 */
export const leftOver = ({ outputs, groups, taps }: Omit<TileShape, 'at'>, layout: TileLayout): number => {
  const rest = (outputs / groups) % layout.outputs;
  return layout.leaves && rest <= 2 && taps > FEW_TAPS ? rest : 0;
};

/** Returns the number of taps that kernels read: a multiple of 4. */
export const wholeTaps = (taps: number): number => 4 * Math.ceil(taps / 4);

/** Packs a tile of bytes. `place`: position of the weight of output o and tap i. */
export const byteTile =
  (outputs: number, place: (o: number, i: number) => number): TileLayout['tile'] =>
  (weight, taps) => {
    const tile = new Int8Array(outputs * wholeTaps(taps));
    for (let o = 0; o < outputs; o++) for (let i = 0; i < taps; i++) tile[place(o, i)] = weight(o, i);
    return tile;
  };

/**
 * Packs int8 weights in tiles, group after group. If there are `starts`, each tile comes after the start
 * values of its sums.
 */
export function tiles(weights: Int8Array, shape: TileShape, layout: TileLayout, starts?: Int32Array): Int8Array {
  const { groups, taps, at } = shape;
  const perGroup = shape.outputs / groups;
  const tiled = perGroup - leftOver(shape, layout);
  const parts: Int8Array[] = [];
  const put = (output: number, count: number, tile: Int8Array) => {
    if (starts) parts.push(startBytes(starts, output, count));
    parts.push(tile);
  };
  for (let group = 0; group < groups; group++) {
    const weight = (o: number, i: number) => (o < perGroup ? (weights[at(group * perGroup + o, i)] ?? 0) : 0);
    for (let first = 0; first < tiled; first += layout.outputs)
      put(
        group * perGroup + first,
        layout.outputs,
        layout.tile((o, i) => weight(first + o, i), taps),
      );
    for (let o = tiled; o < perGroup; o++)
      put(
        group * perGroup + o,
        1,
        Int8Array.from({ length: wholeTaps(taps) }, (_, i) => (i < taps ? weight(o, i) : 0)),
      );
  }
  return join(Int8Array, parts);
}

/** Returns the start values of `count` outputs, little-endian; 0 past the last output. */
export function startBytes(starts: Int32Array, first: number, count: number): Int8Array {
  const view = new DataView(new ArrayBuffer(4 * count));
  for (let o = 0; o < count; o++) view.setInt32(4 * o, starts[first + o] ?? 0, true);
  return new Int8Array(view.buffer);
}

/** Returns the sum of the weights of output o. */
export function weightSum(p: MacParams, shape: TileShape, o: number): number {
  let sum = 0;
  for (let i = 0; i < shape.taps; i++) sum += p.weights[shape.at(o, i)] ?? 0;
  return sum;
}

/** Returns bias - zero point * sum of weights of output o: the start of a sum over unchanged inputs. */
export const foldedBiasOf = (p: MacParams, shape: TileShape, o: number): number =>
  (p.bias[o] as number) - p.xZero * weightSum(p, shape, o);

/** Returns the same for all outputs, modulo 2^32. */
export const foldedBias = (p: MacParams, shape: TileShape): Int32Array => p.bias.map((_, o) => foldedBiasOf(p, shape, o) | 0);

/** Returns an upper bound of |sum + bias| of output o. Inputs less zero point have 8 bits and a sign. */
export function largestSum(p: MacParams, shape: TileShape, o: number): number {
  let bound = Math.abs(p.bias[o] as number);
  for (let i = 0; i < shape.taps; i++) bound += 255 * Math.abs(p.weights[shape.at(o, i)] ?? 0);
  return bound;
}
