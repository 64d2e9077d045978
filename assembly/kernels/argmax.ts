/**
 * argmax: the index of the largest channel of each row of int8.
 *
 * In: x s8 [...][frame_rows][count], count up to 256.  Out: frames first to first + rows - 1 of
 * y s8 [...][frame_rows], the index less 128.  Exact: quant/ops/argmax.ts.
 */

@unmanaged
export class ArgmaxBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a row
  frame_rows: i32; // rows of a frame
  last: i32; // 1: of equal values the last one counts
}

export function argmax_s8(p: ArgmaxBlock, first: i32, rows: i32): void {
  const count = p.count;
  const last = p.last;
  const per = p.frame_rows;
  for (let r = first * per; r < (first + rows) * per; r++) {
    const x = p.x + r * count; // s8 [count]
    let best = 0;
    let top = <i32>load<i8>(x);
    for (let i = 1; i < count; i++) {
      const value = <i32>load<i8>(x + i);
      // with `last` an equal value is larger
      if (value + last > top) {
        top = value;
        best = i;
      }
    }
    store<i8>(p.y + r, best - 128);
  }
}
