/**
 * Target relaxed: the int8 dot product of relaxed SIMD, four taps an instruction (kernels/mac-relaxed.ts).
 *
 * Taps are bytes of the input, in one of two forms. The module finds out which one, where it runs. The form
 * of unsigned bytes adds 128 to them. So there are two tables that sums start at. Each is less what its form
 * and the zero point add. Else a module is as one of target simd, whose kernels its own extend.
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
 * Vector instructions, counted in the kernels as those of simd: four taps of eight outputs take 14 for four
 * places, 7 for two, 4.5 for one; four taps of eight channels 30 for four rows, 12 for one.
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
