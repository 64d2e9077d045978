/**
 * simd: packs weights of kernels that do not use tiles of eight outputs.
 *
 * In: weights of a layer and where each is.  Out: bytes of the region `weights`.
 */
import type { TileShape } from '../ops/op.ts';

/** Packs [outputs / 8][taps / 2][4][2][2] for conv-place-simd.ts: the lower one of a word has 128 added. */
export function placeTiles(weights: Int8Array, { outputs, taps, at }: TileShape): Int8Array {
  const whole = 8 * Math.ceil(taps / 8);
  const out = new Int8Array(8 * whole * Math.ceil(outputs / 8));
  for (let place = 0; place < out.length; place++) {
    const upper = place & 1;
    const [tile, inside] = [Math.floor(place / (8 * whole)), place % (8 * whole)];
    const o = 8 * tile + 4 * upper + ((inside >> 2) & 3);
    const tap = 2 * (inside >> 4) + ((inside >> 1) & 1);
    const weight = o < outputs && tap < taps ? (weights[at(o, tap)] as number) : 0;
    out[place] = upper ? weight : weight + 128;
  }
  return out;
}

/** Packs weights for depthwise-row-simd.ts: s16 [outputs / 16][taps / 2][16][2]. */
export function zippedTiles(weights: Int8Array, { outputs, taps, at }: TileShape): Int8Array {
  const out = new Int16Array(16 * taps * Math.ceil(outputs / 16));
  for (let place = 0; place < out.length; place++) {
    const o = 16 * Math.floor(place / (16 * taps)) + ((place >> 1) & 15);
    const tap = 2 * Math.floor((place % (16 * taps)) / 32) + (place & 1);
    const from = o < outputs ? at(o, tap) : -1;
    out[place] = from < 0 ? 0 : (weights[from] as number);
  }
  return new Int8Array(out.buffer);
}
