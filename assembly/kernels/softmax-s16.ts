/**
 * softmax over the channels of each row in int16.
 *
 * In: x s16 [...][frame_rows][count].  Out: frames first to first + rows - 1 of y s16, the same shape. Tables
 * are s16 [513] with 15 fraction bits: exp from -10 to 0, and at `inverse` 1 / (1 + v) from 0 to 1. Exact:
 * quant/ops/softmax-int16.ts.
 */
import { clamp, requantise } from "./fixed-point";


@unmanaged
export class WideSoftmaxBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a row
  table: usize; // address, s16 [513]
  frame_rows: i32; // rows of a frame
  inverse: usize; // address, s16 [513]
  mult1: i32; // scales differences to steps of 10 / 65535
  shift1: i32;
  mult_y: i32;
  shift_y: i32;
  min: i32;
  max: i32;
}

/** Returns a table of 513 entries over int16 at v, interpolated. */
function lookup(table: usize, v: i32): i32 {
  const q = clamp(v, -32768, 32767);
  const at = table + ((256 + (q >> 7)) << 1);
  const base = <i32>load<i16>(at);
  return base + (((<i32>load<i16>(at, 2) - base) * (q & 127) + 64) >> 7);
}

export function softmax_s16(p: WideSoftmaxBlock, first: i32, rows: i32): void {
  const n = p.count;
  const per = p.frame_rows;
  for (let r = first * per; r < (first + rows) * per; r++) {
    const x = p.x + ((r * n) << 1); // s16 [n]
    const y = p.y + ((r * n) << 1); // s16 [n]
    let top = -32768;
    for (let i: i32 = 0; i < n; i++) top = max(top, <i32>load<i16>(x + (i << 1)));
    let sum = 0;
    for (let i: i32 = 0; i < n; i++) {
      const difference = requantise(<i32>load<i16>(x + (i << 1)) - top, p.mult1, p.shift1);
      const e = lookup(p.table, difference + 32767);
      store<i16>(y + (i << 1), e);
      sum += e;
    }
    const headroom = <i32>clz(sum);
    const mantissa = <i32>((((<i64>sum) << (headroom - 1)) + (1 << 13)) >> 14);
    const scale = lookup(p.inverse, mantissa - (1 << 15) - (1 << 16));
    const right = <i64>(31 - headroom);
    for (let i: i32 = 0; i < n; i++) {
      const share = <i32>((<i64>load<i16>(y + (i << 1)) * <i64>scale + ((<i64>1) << (right - 1))) >> right);
      const q = requantise(clamp(share, 0, 32767), p.mult_y, p.shift_y);
      store<i16>(y + (i << 1), clamp(q, p.min, p.max));
    }
  }
}
