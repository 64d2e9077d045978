/**
 * lstm over rows of int16 gates: input, forget, cell, output.
 *
 * In: x s16 [rows][4 * units].  Out: rows first to first + rows - 1 of y s8 [...][units].  The cell is s16,
 * and its scale is a power of two.  Exact: quant/ops/lstm.ts.
 */
import { clamp, requantise } from "./fixed-point";
import {
  RecurrentBlock,
  at_open_row,
  at_row,
  begin,
  carry_on,
  gate,
  int16,
  is_before,
  row_at,
  tanh_s16,
  to_output,
} from "./recurrent";


@unmanaged
export class LstmBlock extends RecurrentBlock {
  forget_mult: i32;
  forget_shift: i32;
  input_mult: i32;
  input_shift: i32;
  tanh_mult: i32;
  tanh_shift: i32;
  clip: i32; // largest |cell|; 32768: no limit
}

/** A cell with unbounded functions: max(x, floor). */
@unmanaged
export class OpenLstmBlock extends LstmBlock {
  floor: i32; // 0: ReLU; -32768: none
}

// @ts-ignore: decorator
@inline
function lstm_row(p: LstmBlock, x: usize, before: usize, y: usize, open: bool): void {
  const u = p.y_c;
  const floor = open ? changetype<OpenLstmBlock>(p).floor : 0;
  for (let k: i32 = 0; k < u; k++) {
    const candidate = open
      ? max(floor, at_open_row(p, x, before, 2 * u + k))
      : tanh_s16(p.table, at_row(p, x, before, 2 * u + k), 3, 0);
    const input = int16(requantise(gate(p, at_row(p, x, before, k)) * candidate, p.input_mult, p.input_shift));
    const cell = p.cell + (k << 1);
    const old = gate(p, at_row(p, x, before, u + k)) * <i32>load<i16>(cell);
    let c = int16(int16(requantise(old, p.forget_mult, p.forget_shift)) + input);
    if (p.clip < 32768) c = clamp(c, -p.clip, p.clip);
    store<i16>(cell, c);
    const shown = open ? max(floor, c) : tanh_s16(p.table, c, p.tanh_mult, p.tanh_shift);
    store<i8>(y + k, to_output(p, shown * gate(p, at_row(p, x, before, 3 * u + k))));
  }
}

export function lstm_s16_s8(p: LstmBlock, first: i32, rows: i32): void {
  run(p, first, rows, false);
}

export function lstm_open_s16_s8(p: OpenLstmBlock, first: i32, rows: i32): void {
  run(p, first, rows, true);
}

// @ts-ignore: decorator
@inline
function run(p: LstmBlock, first: i32, rows: i32, open: bool): void {
  begin(p);
  let before = p.last;
  for (let i: i32 = 0; i < rows; i++) {
    const r = row_at(p, first, rows, i);
    const y = p.y + r * p.y_c;
    if (is_before(p, y)) continue;
    lstm_row(p, p.x + ((r * p.y_c) << 3), before, y, open);
    before = y;
  }
  carry_on(p, before);
}
