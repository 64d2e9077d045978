/**
 * rnn over rows of int16 sums: h = fn(x + u h).
 *
 * In: x s16 [rows][units].  Out: rows first to first + rows - 1 of y s8 [...][units].  Exact:
 * quant/ops/rnn.ts.
 */
import { RecurrentBlock, at_open_row, at_row, begin, carry_on, is_before, row_at, tanh_s16, to_output } from "./recurrent";

/** An unbounded function: max(x, floor). */
@unmanaged
export class OpenRnnBlock extends RecurrentBlock {
  floor: i32; // 0: ReLU; -32768: none
}

// @ts-ignore: decorator
@inline
function rnn_row(p: RecurrentBlock, x: usize, before: usize, y: usize, open: bool): void {
  for (let k: i32 = 0; k < p.y_c; k++) {
    const h = open
      ? max(changetype<OpenRnnBlock>(p).floor, at_open_row(p, x, before, k))
      : tanh_s16(p.table, at_row(p, x, before, k), 3, 0);
    store<i8>(y + k, to_output(p, h));
  }
}

export function rnn_s16_s8(p: RecurrentBlock, first: i32, rows: i32): void {
  run(p, first, rows, false);
}

export function rnn_open_s16_s8(p: OpenRnnBlock, first: i32, rows: i32): void {
  run(p, first, rows, true);
}

// @ts-ignore: decorator
@inline
function run(p: RecurrentBlock, first: i32, rows: i32, open: bool): void {
  begin(p);
  let before = p.last;
  for (let i: i32 = 0; i < rows; i++) {
    const r = row_at(p, first, rows, i);
    const y = p.y + r * p.y_c;
    if (is_before(p, y)) continue;
    rnn_row(p, p.x + ((r * p.y_c) << 1), before, y, open);
    before = y;
  }
  carry_on(p, before);
}
