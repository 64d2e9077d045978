/**
 * Target interp: interpreters (WAMR, wasm3) and engines without SIMD. Three outputs in one 64-bit
 * multiplication.
 *
 * A tile is i64 [taps]. A word has six weights, as w + 128: three fields of 21 bits with two weights each
 * (kernels/conv-interp.ts). Depthwise weights stay in the operator's order.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import type { TargetParts, TileShape } from '../ops/op.ts';
import { withoutTees } from '../tees.ts';
import { interpZero, isSigned, scaleTable, scaleWords } from './requantise-interp.ts';
import { type Tiled, tiled } from './tiled.ts';
import { foldedBiasOf, largestSum, wholeTaps } from './tiles.ts';

/**
 * 0xff at bits 0, 21 and 42, as two words. Kernels read it from the block, because a constant takes nine
 * bytes of code at every use.
 */
const lanes = { multiplier: 0xff + (0xff << 21), shift: 0xff << 10 };

/** Packs six weights into a word. Bits 21 and 42 are not at byte boundaries. */
function word(weight: (o: number) => number): bigint {
  let bits = 0n;
  for (let o = 0; o < 6; o++) bits |= BigInt(weight(o) + 128) << BigInt(21 * (o % 3) + (o < 3 ? 0 : 8));
  return bits;
}

/** Returns the requantisation table of a layer; undefined if the kernels cannot requantise it. */
const scales = (p: MacParams, shape: TileShape): Int32Array | undefined =>
  scaleTable(
    p,
    (o) => largestSum(p, shape, o),
    (o) => foldedBiasOf(p, shape, o),
  );

const parts: Tiled = {
  suffix: 'interp',
  channels: 'depthwise_s8_interp',
  layout: {
    outputs: 6,
    leaves: true,
    tile: (weight, taps) => {
      const words = new BigInt64Array(wholeTaps(taps));
      for (let i = 0; i < taps; i++) words[i] = word((o) => weight(o, i));
      return new Int8Array(words.buffer);
    },
  },
  pastEnd: 7,
  pastPatch: 8,
  inChannels: (p, { taps, at }) => ({
    unit: 4,
    bytes: (outputs) => taps * outputs,
    weights: (first, outputs) =>
      Int8Array.from(
        { length: taps * outputs },
        (_, i) => p.weights[at(first + (i % outputs), Math.floor(i / outputs))] as number,
      ),
  }),
  isSmall: (p, shape) => scales(p, shape) !== undefined,
  need: (p, ctx) => {
    if (isSigned(p)) ctx.need('SIGNED');
  },
  tables: (p, shape, ctx) => ({ y_zero: interpZero(p), bias: ctx.table(scales(p, shape) as Int32Array), ...lanes }),
  finishBytes: 4 * scaleWords,
  // blocks of four or eight channels read up to seven bytes past the last
  pastWeights: 8,
  put: (p, shape) => {
    const table = scales(p, shape) as Int32Array;
    return (view, at, o) => {
      for (let i = 0; i < scaleWords; i++) view.setInt32(4 * (scaleWords * at + i), table[scaleWords * o + i] as number, true);
    };
  },
  fetched: (p, bias) => ({ y_zero: interpZero(p), bias, ...lanes }),
};

/**
 * Number of steps from which kernels process two tiles or eight channels at a time (need WIDE of
 * kernels/needs.ts). N1, N2 and N1P have 9 to 15 steps, microWakeWord's networks 18 and more. WIDE takes 0.9
 * KB more code and about 2.5 KB of RAM with WAMR's fast interpreter, and saves about a tenth of a Cortex-M4's
 * instructions there (npm run bench:wamr). A module of many steps is larger anyway; small networks should
 * stay small.
 */
export const manySteps = 16;

export const interp: TargetParts = {
  name: 'interp',
  ...tiled(parts),
  module: (_layers, steps) => ({ needs: steps >= manySteps ? ['WIDE'] : [], alone: false, rowAlone: false }),
  finish: withoutTees,
};
