/**
 * Target simd: SIMD128, for browsers and Node. Two taps per multiplication.
 *
 * Taps of conv and dense are int16 less the zero point. depthwise takes inputs with their zero point, and
 * int16 weights, which need no widening where they are used.
 */
import type { TileLayout } from '../ops/op.ts';
import { placeTiles, zippedTiles } from './simd-weights.ts';
import { byteTile, tiles, weightSum } from './tiles.ts';
import { vectors } from './vectors.ts';

const layout: TileLayout = { outputs: 8, leaves: false, tile: byteTile(8, (o, i) => 16 * (i >> 1) + 2 * o + (i & 1)) };

export const simd = vectors({
  name: 'simd',
  suffixes: ['simd'],
  layout,
  tapBytes: 2,
  excess: () => ({}),
  depthwise: {
    taps: 2,
    weights: (weights, shape) => new Int8Array(Int16Array.from(tiles(weights, shape, layout)).buffer),
    excess: (p, shape) => ({ excess: (o) => p.xZero * weightSum(p, shape, o) }),
  },
  alone: { conv: placeTiles, row: zippedTiles },
  costs: {
    bytes: { FOURS: 640, PAIRS: 330, ONES: 310, ROW_FOURS: 690, ROW_ONES: 400 },
    alone: { alone: 420, rowAlone: 420 },
    perPair: { four: 18 / 4, two: 10 / 2, one: 6, alone: 5, rowFour: 26 / 4, row: 10, rowAlone: 7 },
  },
});
