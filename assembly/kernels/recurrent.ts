/**
 * What lstm, gru and rnn share: blocks, sums of gates, their functions, carried states. Helpers only, no
 * operator.
 *
 * Gates are s16 with 12 - gate_shift fraction bits; weights s8 [gates * units][units] multiply the previous
 * output.  If `carry` is 1, the state at `cell` and `last` carries over from call to call, and the first
 * `skip` rows, which lie before the signal, are not run. Otherwise the state restarts at every call.  Exact:
 * quant/ops/recurrent.ts, gates.ts.
 */
import { clamp, requantise } from "./fixed-point";
import { PlainBlock } from "./mac";
import { fill_s8, move_s8 } from "./move";

/** Uses of PlainBlock: x, y, y_c (units), x_zero (of the output), weights, bias, multiplier, shift. */
@unmanaged
export class RecurrentBlock extends PlainBlock {
  cell: usize; // address, s16 [units]: cell (lstm), state (gru)
  last: usize; // address, s8 [units]: the output before the first row
  count: usize; // address, i32: number of rows that were skipped so far
  skip: i32;
  carry: i32; // 1: the state carries over
  reverse: i32; // 1: from the last row to the first
  table: usize; // address, u16 [256] in i32: the logistic function (gates.ts)
  slope: i32; // slope of a line that replaces the table; 0: none
  gate_shift: i32; // left shift that gives sums of gates 12 fraction bits
  output_mult: i32;
  output_shift: i32;
}

/** Block of another layer, for its rows before the signal. */
@unmanaged
export class BeforeBlock {
  y: usize;
  row: i32; // bytes of a row
  value: i32;
  count: usize; // address, i32: number of rows so far
  skip: i32;
}

/** Fills rows before the signal with the value of padding, so that a state keeps no other value. */
export function before_s8(p: BeforeBlock, first: i32, rows: i32): void {
  const done = load<i32>(p.count);
  const left = min(rows, p.skip - done);
  if (left <= 0) return;
  fill_s8(p.y + first * p.row, p.value, left * p.row);
  store<i32>(p.count, done + left);
}

// @ts-ignore: decorator
@inline
export function int16(x: i32): i32 {
  return clamp(x, -32768, 32767);
}

/** Returns sum a[i] * b[i]. */
function dot_s8(
  a: usize, // s8 [n]
  b: usize, // s8 [n]
  n: i32,
): i32 {
  let sum = 0;
  if (ASC_FEATURE_SIMD) {
    let four = i32x4.splat(0);
    for (; n >= 8; n -= 8) {
      four = i32x4.add(four, i32x4.dot_i16x8_s(v128.load_ext<i8>(a), v128.load_ext<i8>(b)));
      a += 8;
      b += 8;
    }
    four = i32x4.add(four, v128.shuffle<i32>(four, four, 2, 3, 0, 1));
    sum = i32x4.extract_lane(four, 0) + i32x4.extract_lane(four, 1);
  } else {
    for (; n >= 4; n -= 4) {
      sum += <i32>load<i8>(a) * <i32>load<i8>(b);
      sum += <i32>load<i8>(a, 1) * <i32>load<i8>(b, 1);
      sum += <i32>load<i8>(a, 2) * <i32>load<i8>(b, 2);
      sum += <i32>load<i8>(a, 3) * <i32>load<i8>(b, 3);
      a += 4;
      b += 4;
    }
  }
  for (; n > 0; n--) sum += <i32>load<i8>(a++) * <i32>load<i8>(b++);
  return sum;
}

/** Returns sum o: n products and the bias, in the scale of gates. */
export function gate_sum(p: PlainBlock, o: i32, x: usize, n: i32): i32 {
  const sum = dot_s8(p.weights + o * n, x, n) + load<i32>(p.bias + (o << 2));
  return int16(requantise(sum, load<i32>(p.multiplier + (o << 2)), <i32>load<i8>(p.shift + o)));
}

/** Returns the logistic table at a / 2^bits, interpolated, times 2^bits; `beyond` past its end. */
function between(table: usize, a: i32, bits: i32, beyond: i32): i32 {
  const i = a >> bits;
  if (i >= 255) return beyond << bits;
  const low = <i32>load<u16>(table + (i << 1));
  return (low << bits) + (a & ((1 << bits) - 1)) * (<i32>load<u16>(table + (i << 1), 2) - low);
}

export function gate(p: RecurrentBlock, x: i32): i32 {
  const slope = p.slope;
  if (slope) return clamp(16384 + ((x * slope + 2048) >> 12), 0, 32767);
  const y = between(p.table, abs(3 * x), 9, 65534);
  return (x >= 0 ? y + 512 : (1 << 25) - y + 511) >> 10;
}

export function tanh_s16(table: usize, x: i32, multiplier: i32, shift: i32): i32 {
  const scaled = shift ? (x * multiplier + (1 << (shift - 1))) >> shift : x * multiplier;
  const y = between(table, abs(scaled), 8, 65535);
  return (scaled >= 0 ? y - (1 << 23) + 128 : (1 << 23) - y + 127) >> 8;
}

// @ts-ignore: decorator
@inline
export function down15(x: i32): i32 {
  return (x + 16384) >> 15;
}

// @ts-ignore: decorator
@inline
export function to_output(p: RecurrentBlock, x: i32): i32 {
  return clamp(p.x_zero + requantise(x, p.output_mult, p.output_shift), -128, 127);
}

/** Returns a sum of the row and of the previous output, in the scale in which gates are stored. */
// @ts-ignore: decorator
@inline
function row_sum(p: RecurrentBlock, x: usize, before: usize, o: i32): i32 {
  return <i32>load<i16>(x + (o << 1)) + gate_sum(p, o, before, p.y_c);
}

/** Returns the sum of a gate, with 12 fraction bits. */
// @ts-ignore: decorator
@inline
export function at_row(p: RecurrentBlock, x: usize, before: usize, o: i32): i32 {
  return int16(row_sum(p, x, before, o) << p.gate_shift);
}

/** Returns the sum of a gate as stored, for unbounded functions. */
// @ts-ignore: decorator
@inline
export function at_open_row(p: RecurrentBlock, x: usize, before: usize, o: i32): i32 {
  return int16(row_sum(p, x, before, o));
}

/** Restarts the state, unless it carries over. */
export function begin(block: RecurrentBlock): void {
  if (block.carry) return;
  fill_s8(block.cell, 0, block.y_c << 1);
  fill_s8(block.last, block.x_zero, block.y_c);
}

/** Returns row i of a call, in the order of the cell. */
// @ts-ignore: decorator
@inline
export function row_at(p: RecurrentBlock, first: i32, rows: i32, i: i32): i32 {
  return first + (p.reverse ? rows - 1 - i : i);
}

/** Checks whether a row lies before the signal. Its output is then the zero point, and the state stays. */
export function is_before(p: RecurrentBlock, y: usize): bool {
  if (!p.carry) return false; // there is no counter
  const done = load<i32>(p.count);
  if (done >= p.skip) return false;
  store<i32>(p.count, done + 1);
  fill_s8(y, p.x_zero, p.y_c);
  return true;
}

/** Keeps the latest output if the state carries over. */
export function carry_on(p: RecurrentBlock, before: usize): void {
  if (p.carry && before != p.last) move_s8(p.last, before, p.y_c);
}

/**
 * Computes conv of one position: frames s8 [per], weights [o][per], gates s16 [o]. The bias has the share of
 * the zero point.
 */
export function gates_s8_s16(p: PlainBlock, first: i32, rows: i32): void {
  const n = p.per;
  for (let r = first; r < first + rows; r++) {
    const x = p.x + r * n;
    const y = p.y + ((r * p.y_c) << 1);
    for (let o: i32 = 0; o < p.y_c; o++) store<i16>(y + (o << 1), gate_sum(p, o, x, n));
  }
}
