/**
 * Target relaxed: the int8 dot product of relaxed SIMD, four taps per instruction (kernels/mac-relaxed.ts).
 *
 * Taps are bytes of the input in one of two forms. The module finds out at run time which form the engine
 * computes exactly. The form of unsigned bytes adds 128 to each input. There are therefore two tables of
 * start values, which subtract what their form and the zero point add to a sum. In all other respects a
 * module is one of target simd, and its kernels extend those of simd.
 */
import type { MacParams } from '../../../quant/ops/op.ts';
import type { TileLayout, TileShape } from '../ops/op.ts';
import type { FinishOptions } from './requantise-simd.ts';
import { byteTile, tiles, weightSum } from './tiles.ts';
import { vectors } from './vectors.ts';

const layout: TileLayout = { outputs: 8, leaves: false, tile: byteTile(8, (o, i) => 32 * (i >> 2) + 4 * o + (i & 3)) };

const excess = (p: MacParams, shape: TileShape): FinishOptions => ({
  excess: (o) => (p.xZero + 128) * weightSum(p, shape, o),
  signedExcess: (o) => p.xZero * weightSum(p, shape, o),
});

/**
 * Vector instructions, counted in the kernels as for simd. Four taps of eight outputs take 14 for four output
 * positions, 7 for two, 4.5 for one; four taps of eight channels take 30 for four rows, 12 for one.
 */
export const relaxed = vectors({
  name: 'relaxed',
  suffixes: ['simd', 'relaxed'],
  layout,
  tapBytes: 1,
  need: (p, ctx) => {
    ctx.need('RELAXED');
    if (p.weights.includes(-128)) ctx.need('LOWEST_WEIGHT');
  },
  excess,
  depthwise: { taps: 4, weights: (weights, shape) => tiles(weights, shape, layout), excess },
  costs: {
    bytes: { FOURS: 440, PAIRS: 400, ONES: 510, ROW_FOURS: 1080, ROW_ONES: 600 },
    perPair: { four: 14 / 8, two: 7 / 4, one: 4.5 / 2, rowFour: 30 / 8, row: 12 / 2 },
  },
});
