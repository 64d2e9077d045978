/**
 * conv and dense with SIMD128 for layers with one output position per call: sixteen outputs at a time, two
 * taps per multiplication.
 *
 * In: x s8, the adjacent taps of a position; positions are `pool` bytes apart, and no tap is padding.  Out:
 * as conv.ts.  Weights u8 [y_c / 8][taps / 2][4][2][2], in padded tiles, with taps (`place`) in multiples of
 * 8. Two weights share a word of 16 bits: the lower one, of outputs 0 to 3, has 128 added; the upper one, of
 * outputs 4 to 7, is unchanged.
 *
 * One position is limited by the loads of weights. A word is 256 * upper + lower + 128 and is multiplied as
 * it is. A shift gives the upper weight: sum of x * word = 256 * (sum of x * upper) + (sum of x * lower) +
 * 128 * (sum of x)
 * Exact: modulo 2^32.  Up to 7 taps past the last are read; their weights are 0.
 */
import { SimdBlock, finish_place, keep, mac, zeros } from "./mac-simd";

/** Converts taps to int16 less the zero point. Returns 128 times their sum in four lanes. */
// @ts-ignore: decorator
@inline
function widen_sum(
  p: SimdBlock,
  to: usize, // s16 [taps]
  x: usize, // s8 [taps]
  taps: i32,
): v128 {
  const zero = zeros(p);
  const ones = i16x8.splat(1);
  let all = i32x4.splat(0);
  for (const end = x + taps; x < end; x += 8) {
    const v = i16x8.sub(v128.load_ext<i8>(x), zero);
    v128.store(to, v);
    all = mac(all, v, ones);
    to += 16;
  }
  all = i32x4.add(all, v128.shuffle<i32>(all, all, 2, 3, 0, 1));
  all = i32x4.add(all, v128.shuffle<i32>(all, all, 1, 0, 3, 2));
  return i32x4.shl(all, 7);
}

export function conv_place_s8_simd(p: SimdBlock, first: i32, rows: i32): void {
  const taps = p.place;
  const tile = taps << 3;
  const y_c = p.y_c;
  const patch = p.patch;
  for (const end = first + rows; first < end; first++) {
    const much = widen_sum(p, patch, p.x + first * p.pool, taps);
    let w = p.weights;
    let bias = p.bias;
    let sums = p.sums;
    for (let outputs = y_c; outputs > 0; outputs -= 16) {
      let a0 = v128.load(bias);
      let b0 = v128.load(bias, 32);
      let a1 = i32x4.splat(0);
      let b1 = i32x4.splat(0);
      let from = patch;
      let wb = outputs > 8 ? w + tile : w;
      for (const last = w + tile; w < last;) {
        let v = v128.load_splat<i32>(from);
        let u = v128.load(w);
        a0 = mac(a0, v, u);
        a1 = mac(a1, v, i16x8.shr_s(u, 8));
        u = v128.load(wb);
        b0 = mac(b0, v, u);
        b1 = mac(b1, v, i16x8.shr_s(u, 8));
        v = v128.load_splat<i32>(from, 4);
        u = v128.load(w, 16);
        a0 = mac(a0, v, u);
        a1 = mac(a1, v, i16x8.shr_s(u, 8));
        u = v128.load(wb, 16);
        b0 = mac(b0, v, u);
        b1 = mac(b1, v, i16x8.shr_s(u, 8));
        from += 8;
        w += 32;
        wb += 32;
      }
      w = wb;
      keep(sums, i32x4.sub(a0, i32x4.add(i32x4.shl(a1, 8), much)), i32x4.add(a1, v128.load(bias, 16)));
      keep(sums + 32, i32x4.sub(b0, i32x4.add(i32x4.shl(b1, 8), much)), i32x4.add(b1, v128.load(bias, 48)));
      sums += 64;
      bias += 64;
    }
    finish_place(p, p.y + first * y_c, p.sums);
  }
}
