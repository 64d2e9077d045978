/**
 * The inner loops of conv-simd.ts with the dot product of relaxed SIMD: all sums of four positions, of two,
 * of one.
 *
 * In: taps as mac-relaxed.ts reads them, in whole fours, weights s8 [outputs / 8][taps / 4][8][4].  Out: sums
 * i32 of `outputs` outputs, in whole tiles, rows `pitch` bytes apart. Four positions may leave only the
 * largest sums of two, or of all.
 * An engine starts two dot products per cycle and has a sum after five. So every loop computes eight sums at
 * once: four positions x eight outputs, two positions x sixteen, one position x sixteen in two halves of its
 * taps.
 */
import { dot } from "./mac-relaxed";
import { SimdBlock, keep, keep_four } from "./mac-simd";
import { POOLED } from "./needs";

/** Returns the bytes of the weights of eight outputs. */
// @ts-ignore: decorator
@inline
function tile_bytes(taps: i32): i32 {
  return ((taps + 3) & ~3) << 3;
}

export function relaxed_four(
  p: SimdBlock,
  sums: usize,
  pitch: i32,
  bias: usize, // i32 [outputs], whole tiles
  outputs: i32,
  x: usize, // bytes, positions x_pitch bytes apart
  x_pitch: i32,
  w: usize,
  taps: i32,
): void {
  const pool = POOLED ? p.pool : 1;
  const tile = tile_bytes(taps);
  for (; outputs > 0; outputs -= 8) {
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let b0 = a0;
    let b1 = a1;
    let c0 = a0;
    let c1 = a1;
    let d0 = a0;
    let d1 = a1;
    let xa = x;
    let xb = x + x_pitch;
    let xc = xb + x_pitch;
    let xd = xc + x_pitch;
    for (const end = w + tile; w < end; w += 32) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let v = v128.load_splat<i32>(xa);
      a0 = dot(a0, v, w0);
      a1 = dot(a1, v, w1);
      v = v128.load_splat<i32>(xb);
      b0 = dot(b0, v, w0);
      b1 = dot(b1, v, w1);
      v = v128.load_splat<i32>(xc);
      c0 = dot(c0, v, w0);
      c1 = dot(c1, v, w1);
      v = v128.load_splat<i32>(xd);
      d0 = dot(d0, v, w0);
      d1 = dot(d1, v, w1);
      xa += 4;
      xb += 4;
      xc += 4;
      xd += 4;
    }
    keep_four(sums, pitch, pool, a0, a1, b0, b1, c0, c1, d0, d1);
    sums += 32;
    bias += 32;
  }
}

/** Computes sixteen outputs at a time. */
export function relaxed_two(
  sums: usize,
  pitch: i32,
  bias: usize, // i32 [outputs], whole tiles
  outputs: i32,
  x: usize, // bytes, positions x_pitch bytes apart
  x_pitch: i32,
  w: usize,
  taps: i32,
): void {
  const tile = tile_bytes(taps);
  for (; outputs > 0; outputs -= 16) {
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let a2 = v128.load(bias, 32);
    let a3 = v128.load(bias, 48);
    let b0 = a0;
    let b1 = a1;
    let b2 = a2;
    let b3 = a3;
    let from = x;
    let wb = outputs > 8 ? w + tile : w;
    for (const end = w + tile; w < end; w += 32) {
      const v = v128.load_splat<i32>(from);
      const u = v128.load_splat<i32>(from + x_pitch);
      let weights = v128.load(w);
      a0 = dot(a0, v, weights);
      b0 = dot(b0, u, weights);
      weights = v128.load(w, 16);
      a1 = dot(a1, v, weights);
      b1 = dot(b1, u, weights);
      weights = v128.load(wb);
      a2 = dot(a2, v, weights);
      b2 = dot(b2, u, weights);
      weights = v128.load(wb, 16);
      a3 = dot(a3, v, weights);
      b3 = dot(b3, u, weights);
      from += 4;
      wb += 32;
    }
    w = wb;
    keep(sums, a0, a1);
    keep(sums + 32, a2, a3);
    keep(sums + pitch, b0, b1);
    keep(sums + pitch + 32, b2, b3);
    sums += 64;
    bias += 64;
  }
}

/** Computes sixteen outputs at a time, with separate sums for even and odd fours of taps. */
export function relaxed_one(
  sums: usize,
  bias: usize, // i32 [outputs], whole tiles
  outputs: i32,
  x: usize, // bytes [taps]
  w: usize,
  taps: i32,
): void {
  const tile = tile_bytes(taps);
  for (; outputs > 0; outputs -= 16) {
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let a2 = v128.load(bias, 32);
    let a3 = v128.load(bias, 48);
    let b0 = i32x4.splat(0);
    let b1 = b0;
    let b2 = b0;
    let b3 = b0;
    let from = x;
    let wb = outputs > 8 ? w + tile : w;
    const end = w + tile;
    for (; w + 32 < end; w += 64) {
      let v = v128.load_splat<i32>(from);
      a0 = dot(a0, v, v128.load(w));
      a1 = dot(a1, v, v128.load(w, 16));
      a2 = dot(a2, v, v128.load(wb));
      a3 = dot(a3, v, v128.load(wb, 16));
      v = v128.load_splat<i32>(from, 4);
      b0 = dot(b0, v, v128.load(w, 32));
      b1 = dot(b1, v, v128.load(w, 48));
      b2 = dot(b2, v, v128.load(wb, 32));
      b3 = dot(b3, v, v128.load(wb, 48));
      from += 8;
      wb += 64;
    }
    if (w < end) {
      const v = v128.load_splat<i32>(from);
      a0 = dot(a0, v, v128.load(w));
      a1 = dot(a1, v, v128.load(w, 16));
      a2 = dot(a2, v, v128.load(wb));
      a3 = dot(a3, v, v128.load(wb, 16));
      wb += 32;
    }
    w = wb;
    keep(sums, i32x4.add(a0, b0), i32x4.add(a1, b1));
    keep(sums + 32, i32x4.add(a2, b2), i32x4.add(a3, b3));
    sums += 64;
    bias += 64;
  }
}
