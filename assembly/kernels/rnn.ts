/**
 * rnn over rows of int16 sums: h = tanh(x + u h).
 *
 * In: x s16 [rows][units].  Out: rows first to first + rows - 1 of y s8 [...][units].  Exact: quant/ops/rnn.ts.
 */
import { RecurrentBlock, at_row, begin, carry_on, is_before, row_at, tanh_s16, to_output } from "./recurrent";

function rnn_row(p: RecurrentBlock, x: usize, before: usize, y: usize): void {
  for (let k: i32 = 0; k < p.y_c; k++) store<i8>(y + k, to_output(p, tanh_s16(p.table, at_row(p, x, before, k), 3, 0)));
}

export function rnn_s16_s8(p: RecurrentBlock, first: i32, rows: i32): void {
  begin(p);
  let before = p.last;
  for (let i: i32 = 0; i < rows; i++) {
    const r = row_at(p, first, rows, i);
    const y = p.y + r * p.y_c;
    if (is_before(p, y)) continue;
    rnn_row(p, p.x + ((r * p.y_c) << 1), before, y);
    before = y;
  }
  carry_on(p, before);
}
