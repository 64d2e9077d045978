/**
 * activation: applies a table of 256 int8 values to every element.
 *
 * In: x s8 [...][count].  Out: rows first to first + rows - 1 of y s8 [...][count].  y = table[x + 128].
 * Exact: quant/ops/activation.ts made the table.
 */

@unmanaged
export class ActivationBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a frame
  table: usize; // address, s8 [256]
  _20: i32;
}

export function activation_s8(p: ActivationBlock, first: i32, rows: i32): void {
  const count = p.count;
  const table = p.table + 128; // s8 [256], at the entry of x = 0
  for (let i = first * count; i < (first + rows) * count; i++) {
    store<i8>(p.y + i, load<i8>(table + <i32>load<i8>(p.x + i)));
  }
}
