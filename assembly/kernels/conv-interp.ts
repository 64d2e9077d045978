/**
 * conv and dense for interpreters, and for engines without SIMD: three products per i64 multiplication, six
 * outputs share an input.
 *
 * In: adjacent taps (patch.ts).  Out: as conv.ts.  Exact: integer sums in another order.
 *
 * Weights of each group are u = w + 128 in tiles, i64 [y_c / 6][taps]; zeros pad the last tile. If one or two
 * outputs remain, each of them may have s8 [taps] instead. Taps are padded with u = 0 to a multiple of 4. A
 * lane has 21 bits, and holds two weights of 8:
 *
 *   bits 0-7 output 0, 8-15 output 3;   21-28 output 1, 29-36 output 4;   42-49 output 2, 50-57 output 5
 *
 * |u * x| <= 255 * 128, so that 32 products fit a lane of 2^20 with its sign. The sum of w * x is the sum of
 * u * x less 128 times that of x; the zero point is folded into the bias. Products of unmasked words give
 * lanes of output 0 + 256 * output 3 and so on, which may overflow. That is harmless modulo 2^64: the sums of
 * outputs 3 to 5, times 256, are subtracted once per run.
 */
import { fetch_tile } from "./fetch";
import { finish_row_interp } from "./finish-interp";
import { FEW_TAPS, last_rows } from "./last-rows";
import { FEATURES, FETCH, GROUPS, LEFT_OVER, WIDE } from "./needs";
import { TileBlock, taps_s8 } from "./patch";

/** Number of products that a lane can add up. */
const RUN: i32 = 32;
/**
 * A lane, half a lane, and the offset that keeps the sums of all three lanes above 0, so that none borrows
 * from the next.
 */
const LANE: i32 = (1 << 21) - 1;
const HALF: i32 = 1 << 20;
const MIDDLE: u64 = (<u64>HALF) | ((<u64>HALF) << 21) | ((<u64>HALF) << 42);

/** Returns sum x[i]. */
function sum_s8(
  x: usize, // s8 [n]
  n: i32,
): i32 {
  let sum = 0;
  while (n & 7) sum += <i32>load<i8>(x + --n);
  // adds bytes as x + 128: four sums of two bytes, then one of all in the top 16 bits
  for (const end = x + n; x < end; x += 8) {
    const v = load<i64>(x, 0, 1) ^ 0x8080808080808080;
    const pairs = (v & 0x00ff00ff00ff00ff) + ((v >>> 8) & 0x00ff00ff00ff00ff);
    sum += <i32>((pairs * 0x0001000100010001) >>> 48);
  }
  return sum - (n << 7);
}

/** Returns what the inputs of a position add to each of its sums, with the offsets of its lanes. */
// @ts-ignore: decorator
@inline
function inputs_part(x: usize, taps: i32): i32 {
  return -128 * sum_s8(x, taps) - HALF * ((taps + RUN - 1) / RUN);
}

/** With FETCH: inputs_part. If there is only one position, it is kept for the next tile. */
let part: i32 = 0;

/** Returns the second weight of each lane. */
// @ts-ignore: decorator
@inline
function upper(u: u64, lanes: u64): u64 {
  return (u >> 8) & lanes;
}

/** Returns the sum of four products. */
// @ts-ignore: decorator
@inline
function dot(u0: u64, u1: u64, u2: u64, u3: u64, v0: i64, v1: i64, v2: i64, v3: i64): u64 {
  return u0 * v0 + u1 * v1 + u2 * v2 + u3 * v3;
}

/** Writes the sums of a tile. An incomplete tile has room past its end. */
// @ts-ignore: decorator
@inline
function store_tile(sums: usize, s0: i32, s1: i32, s2: i32, s3: i32, s4: i32, s5: i32): void {
  store<i32>(sums, s0);
  store<i32>(sums, s1, 4);
  store<i32>(sums, s2, 8);
  store<i32>(sums, s3, 12);
  store<i32>(sums, s4, 16);
  store<i32>(sums, s5, 20);
}

// In the loops below: loads, then pointers, then uses. In this order the optimiser cannot move loads to their
// first use and keep a copy, which would cost interpreters time.

/** Computes the sums of one tile. Returns where the next one begins. */
// @ts-ignore: decorator
@inline
function one_tile(
  sums: usize, // i32 [6]
  x: usize, // s8 [words]
  w: usize, // i64 [words]
  words: i32, // taps, rounded up to a multiple of 4
  lanes: u64,
  start: i32,
): usize {
  let s0 = start;
  let s1 = start;
  let s2 = start;
  let s3 = start;
  let s4 = start;
  let s5 = start;
  let left = words;
  do {
    let a: u64 = MIDDLE + (MIDDLE << 8);
    let b: u64 = MIDDLE;
    let i = min(left, RUN);
    left -= i;
    do {
      const v0 = <i64>load<i8>(x);
      const v1 = <i64>load<i8>(x, 1);
      const v2 = <i64>load<i8>(x, 2);
      const v3 = <i64>load<i8>(x, 3);
      const u0 = load<u64>(w);
      const u1 = load<u64>(w, 8);
      const u2 = load<u64>(w, 16);
      const u3 = load<u64>(w, 24);
      x += 4;
      w += 32;
      a += dot(u0, u1, u2, u3, v0, v1, v2, v3);
      b += dot(upper(u0, lanes), upper(u1, lanes), upper(u2, lanes), upper(u3, lanes), v0, v1, v2, v3);
      i -= 4;
    } while (i);
    a -= b << 8;
    s0 += (<i32>a) & LANE;
    s1 += (<i32>(a >> 21)) & LANE;
    s2 += <i32>(a >> 42);
    s3 += (<i32>b) & LANE;
    s4 += (<i32>(b >> 21)) & LANE;
    s5 += <i32>(b >> 42);
  } while (left);
  store_tile(sums, s0, s1, s2, s3, s4, s5);
  return w;
}

/** Computes the sums of two tiles, which share their inputs. Arguments as one_tile. */
// @ts-ignore: decorator
@inline
function two_tiles(sums: usize, x: usize, w: usize, words: i32, lanes: u64, start: i32): usize {
  let s0 = start;
  let s1 = start;
  let s2 = start;
  let s3 = start;
  let s4 = start;
  let s5 = start;
  let t0 = start;
  let t1 = start;
  let t2 = start;
  let t3 = start;
  let t4 = start;
  let t5 = start;
  let next = w + (words << 3);
  let left = words;
  do {
    let a: u64 = MIDDLE + (MIDDLE << 8);
    let b: u64 = MIDDLE;
    let c = a;
    let d = b;
    let i = min(left, RUN);
    left -= i;
    do {
      const v0 = <i64>load<i8>(x);
      const v1 = <i64>load<i8>(x, 1);
      const v2 = <i64>load<i8>(x, 2);
      const v3 = <i64>load<i8>(x, 3);
      const u0 = load<u64>(w);
      const u1 = load<u64>(w, 8);
      const u2 = load<u64>(w, 16);
      const u3 = load<u64>(w, 24);
      const z0 = load<u64>(next);
      const z1 = load<u64>(next, 8);
      const z2 = load<u64>(next, 16);
      const z3 = load<u64>(next, 24);
      x += 4;
      w += 32;
      next += 32;
      a += dot(u0, u1, u2, u3, v0, v1, v2, v3);
      b += dot(upper(u0, lanes), upper(u1, lanes), upper(u2, lanes), upper(u3, lanes), v0, v1, v2, v3);
      c += dot(z0, z1, z2, z3, v0, v1, v2, v3);
      d += dot(upper(z0, lanes), upper(z1, lanes), upper(z2, lanes), upper(z3, lanes), v0, v1, v2, v3);
      i -= 4;
    } while (i);
    a -= b << 8;
    s0 += (<i32>a) & LANE;
    s1 += (<i32>(a >> 21)) & LANE;
    s2 += <i32>(a >> 42);
    s3 += (<i32>b) & LANE;
    s4 += (<i32>(b >> 21)) & LANE;
    s5 += <i32>(b >> 42);
    c -= d << 8;
    t0 += (<i32>c) & LANE;
    t1 += (<i32>(c >> 21)) & LANE;
    t2 += <i32>(c >> 42);
    t3 += (<i32>d) & LANE;
    t4 += (<i32>(d >> 21)) & LANE;
    t5 += <i32>(d >> 42);
  } while (left);
  store_tile(sums, s0, s1, s2, s3, s4, s5);
  store_tile(sums + 24, t0, t1, t2, t3, t4, t5);
  return next;
}

/** Computes the sums of one position and group. Returns where the following weights begin. */
function row_s8_interp(
  p: TileBlock,
  sums: usize, // i32 [outputs]
  end: usize, // end of the sums
  x: usize, // s8 [taps]
  w: usize, // i64 [outputs / 6][taps]
  taps: i32,
): usize {
  const lanes = load<u64>(changetype<usize>(p), offsetof<TileBlock>("multiplier"), 4);
  const last: usize = LEFT_OVER && taps > FEW_TAPS ? 8 : 0; // bytes of sums outside tiles
  const start = FETCH ? part : !LEFT_OVER || sums + last < end ? inputs_part(x, taps) : 0;
  const words = (taps + 3) & ~3;
  while (sums + last < end) {
    if (WIDE && sums + last + 24 < end) {
      w = two_tiles(sums, x, w, words, lanes, start);
      sums += 48;
    } else {
      w = one_tile(sums, x, w, words, lanes, start);
      sums += 24;
    }
  }
  return LEFT_OVER ? last_rows(sums, end, x, w, taps, 0) : w;
}

export function conv_s8_interp(p: TileBlock, first: i32, rows: i32): void {
  const y_f = FEATURES ? p.y_f : 1;
  const y_c = p.y_c;
  const per = p.per;
  const groups = GROUPS ? p.x_c / per : 1;
  const bytes = (y_c / groups) << 2; // bytes of the sums of a group
  const taps = p.kernel_t * (FEATURES ? p.kernel_f : 1) * per;
  const sums = p.sums;
  const places = rows * y_f * groups;
  let x: usize = 0;
  let o: i32 = 0;
  do {
    // all outputs, or one tile of outputs at all positions
    const outputs = FETCH ? fetch_tile(p, o, groups) : 0;
    let y = p.y + first * y_f * y_c + o;
    for (let t = first; t < first + rows; t++) {
      for (let f: i32 = 0; f < y_f; f++) {
        let w = p.weights;
        if (FETCH) {
          if (!o || places > 1) {
            x = taps_s8(p, t, f, GROUPS ? (o << 2) / bytes : 0);
            part = inputs_part(x, taps);
          }
          row_s8_interp(p, sums, sums + (outputs << 2), x, w, taps);
        } else {
          for (let g: i32 = 0; g < groups; g++) {
            w = row_s8_interp(p, sums + g * bytes, sums + (g + 1) * bytes, taps_s8(p, t, f, g), w, taps);
          }
        }
        finish_row_interp(p, y);
        y += y_c;
      }
    }
    o += outputs;
  } while (FETCH && o < y_c);
}

export function dense_s8_interp(p: TileBlock): void {
  const sums = p.sums;
  let o: i32 = 0;
  do {
    const outputs = FETCH ? fetch_tile(p, o, 1) : p.y_c;
    if (FETCH && !o) part = inputs_part(p.x, p.per);
    row_s8_interp(p, sums, sums + (outputs << 2), p.x, p.weights, p.per);
    finish_row_interp(p, p.y + o);
    o += outputs;
  } while (FETCH && o < p.y_c);
}
