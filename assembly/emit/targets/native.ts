/**
 * Target native: WebAssembly compiled ahead of time, and plain C, on 32-bit cores. Four outputs share an
 * input.
 *
 * Tiles are s8 [taps][4], each behind i32 [4], the start values of its sums: kernels/conv-native.ts,
 * kernels/depthwise-blocks.ts.
 */
import { join } from '../../../models/lists.ts';
import { exponentOf, isOnce, ONCE } from '../../../quant/fixed-point.ts';
import type { TargetParts } from '../ops/op.ts';
import { needOnce } from '../ops/sliding.ts';
import { roundingZero } from './requantise-simd.ts';
import { type Tiled, tiled } from './tiled.ts';
import { byteTile, foldedBias, largestSum, startBytes } from './tiles.ts';

/** Returns `shift` as kernels/finish.ts stores it. */
const shiftOf = (shift: number): number => -1 - exponentOf(shift) + (isOnce(shift) ? ONCE : 0);

/** Doubles a number, modulo 2^32. */
const doubled = (value: number): number => value << 1;

/** Packs blocks of four channels; zeros pad the last one. */
const inChannels: Tiled['inChannels'] = (p, { taps, at }) => {
  const starts = foldedBias(p, { groups: 1, outputs: p.bias.length, taps, at });
  const weights = (from: number, outputs: number) => {
    const parts: Int8Array[] = [];
    for (let first = 0; first < outputs; first += 4) {
      const weight = (o: number, i: number) => (o < outputs ? (p.weights[at(from + o, i)] as number) : 0);
      parts.push(startBytes(starts.subarray(from, from + outputs), first, 4));
      parts.push(Int8Array.from({ length: 4 * taps }, (_, k) => weight(first + (k % 4), k >> 2)));
    }
    return join(Int8Array, parts);
  };
  return { unit: 4, weights, bytes: (outputs) => (16 + 4 * taps) * Math.ceil(outputs / 4) };
};

const differences: Tiled = {
  suffix: 'native',
  channels: 'depthwise_s8_blocks',
  layout: { outputs: 4, leaves: true, tile: byteTile(4, (o, i) => 4 * i + o) },
  pastEnd: 5,
  pastPatch: 4,
  starts: foldedBias,
  inChannels,
  isSmall: (p, shape) =>
    p.shift.every((shift, o) => exponentOf(shift) <= -1 && exponentOf(shift) >= -31 && largestSum(p, shape, o) < 2 ** 30),
  need: needOnce,
  tables: (p, _shape, ctx) => {
    const multiplier = ctx.table(p.multiplier.map(doubled));
    return { y_zero: roundingZero(p), bias: 0, multiplier, shift: ctx.table(Int8Array.from(p.shift, shiftOf)) };
  },
  finishBytes: 5,
  pastWeights: 0,
  put: (p, _shape, tileOutputs) => (view, at, o) => {
    view.setInt32(4 * at, doubled(p.multiplier[o] as number), true);
    view.setInt8(4 * tileOutputs + at, shiftOf(p.shift[o] as number));
  },
  fetched: (p, bias, tileOutputs) => ({ y_zero: roundingZero(p), bias, multiplier: bias, shift: bias + 4 * tileOutputs }),
};

export const native: TargetParts = {
  name: 'native',
  ...tiled(differences),
  module: () => ({ needs: [], alone: false, rowAlone: false }),
};
