/**
 * permute: elements of the window in another order.
 *
 * In: x, at the element that comes first; three lengths, each with its step, which may be negative.  Out:
 * rows first to first + rows - 1 of y s8 [...][count].  Exact: bytes are copied.  Cost: a load and a store
 * per byte.
 */

@unmanaged
export class PermuteBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of an output row
  width: i32; // bytes of an element
  middle: i32; // length of the middle axis
  inner: i32; // length of the innermost axis
  outer_step: i32; // bytes in x between two elements of the outer axis
  middle_step: i32; // the same for the middle axis
  inner_step: i32; // the same for the innermost axis
}

export function permute_s8(p: PermuteBlock, first: i32, rows: i32): void {
  const width = p.width;
  const inner_step = p.inner_step;
  let at = first * p.count;
  const end = (first + rows) * p.count;
  let y = p.y + at * width;
  let i = at % p.inner;
  const row = at / p.inner;
  let m = row % p.middle;
  let outer = p.x + (row / p.middle) * p.outer_step;
  let x = outer + m * p.middle_step + i * inner_step;
  for (; at < end; at++) {
    for (let b: i32 = 0; b < width; b++) store<u8>(y++, load<u8>(x + b));
    x += inner_step;
    if (++i == p.inner) {
      i = 0;
      if (++m == p.middle) {
        m = 0;
        outer += p.outer_step;
      }
      x = outer + m * p.middle_step;
    }
  }
}
