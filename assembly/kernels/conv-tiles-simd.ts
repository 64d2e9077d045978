/**
 * The inner loops of conv-simd.ts: all sums of four positions, of two, and of one.
 *
 * In: int16 taps in whole fours, weights s8 [outputs / 8][taps / 2][8][2].  Out: sums i32 of `outputs`
 * outputs, in whole tiles, rows `pitch` bytes apart; four positions may leave only the largest sums of two,
 * or of all. Four positions share the loads of weights, 16 multiplications for 2 loads; the loads limit one
 * position.
 */
import { SimdBlock, keep, keep_four, mac } from "./mac-simd";
import { POOLED } from "./needs";

export function tile_four(
  p: SimdBlock,
  sums: usize,
  pitch: i32,
  bias: usize, // i32 [outputs], whole tiles
  outputs: i32,
  x: usize, // s16, positions x_pitch bytes apart
  x_pitch: i32,
  w: usize,
  taps: i32,
): void {
  const pool = POOLED ? p.pool : 1;
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
    for (let i = (taps + 3) & ~3; i > 0; i -= 2) {
      const w0 = v128.load_ext<i8>(w);
      const w1 = v128.load_ext<i8>(w, 8);
      let v = v128.load_splat<i32>(xa);
      a0 = mac(a0, v, w0);
      a1 = mac(a1, v, w1);
      v = v128.load_splat<i32>(xb);
      b0 = mac(b0, v, w0);
      b1 = mac(b1, v, w1);
      v = v128.load_splat<i32>(xc);
      c0 = mac(c0, v, w0);
      c1 = mac(c1, v, w1);
      v = v128.load_splat<i32>(xd);
      d0 = mac(d0, v, w0);
      d1 = mac(d1, v, w1);
      w += 16;
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

/** Computes two positions, which share the loads of weights that would limit one. */
export function tile_two(
  sums: usize,
  pitch: i32,
  bias: usize, // i32 [outputs], whole tiles
  outputs: i32,
  x: usize, // s16, positions x_pitch bytes apart
  x_pitch: i32,
  w: usize,
  taps: i32,
): void {
  for (; outputs > 0; outputs -= 8) {
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let b0 = a0;
    let b1 = a1;
    let from = x;
    for (let i = taps; i > 0; i -= 4) {
      let v = v128.load_splat<i32>(from);
      let u = v128.load_splat<i32>(from + x_pitch);
      let w0 = v128.load_ext<i8>(w);
      let w1 = v128.load_ext<i8>(w, 8);
      a0 = mac(a0, v, w0);
      a1 = mac(a1, v, w1);
      b0 = mac(b0, u, w0);
      b1 = mac(b1, u, w1);
      v = v128.load_splat<i32>(from, 4);
      u = v128.load_splat<i32>(from + x_pitch, 4);
      w0 = v128.load_ext<i8>(w, 16);
      w1 = v128.load_ext<i8>(w, 24);
      a0 = mac(a0, v, w0);
      a1 = mac(a1, v, w1);
      b0 = mac(b0, u, w0);
      b1 = mac(b1, u, w1);
      from += 8;
      w += 32;
    }
    keep(sums, a0, a1);
    keep(sums + pitch, b0, b1);
    sums += 32;
    bias += 32;
  }
}

/** Computes sixteen outputs at a time. */
export function tile_one(
  sums: usize,
  bias: usize, // i32 [outputs], whole tiles
  outputs: i32,
  x: usize, // s16 [taps]
  w: usize,
  taps: i32,
): void {
  const tile = ((taps + 3) & ~3) << 3;
  for (; outputs > 0; outputs -= 16) {
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let b0 = v128.load(bias, 32);
    let b1 = v128.load(bias, 48);
    let from = x;
    let wb = outputs > 8 ? w + tile : w;
    for (const end = w + tile; w < end;) {
      let v = v128.load_splat<i32>(from);
      a0 = mac(a0, v, v128.load_ext<i8>(w));
      a1 = mac(a1, v, v128.load_ext<i8>(w, 8));
      b0 = mac(b0, v, v128.load_ext<i8>(wb));
      b1 = mac(b1, v, v128.load_ext<i8>(wb, 8));
      v = v128.load_splat<i32>(from, 4);
      a0 = mac(a0, v, v128.load_ext<i8>(w, 16));
      a1 = mac(a1, v, v128.load_ext<i8>(w, 24));
      b0 = mac(b0, v, v128.load_ext<i8>(wb, 16));
      b1 = mac(b1, v, v128.load_ext<i8>(wb, 24));
      from += 8;
      w += 32;
      wb += 32;
    }
    w = wb;
    keep(sums, a0, a1);
    keep(sums + 32, b0, b1);
    sums += 64;
    bias += 64;
  }
}
