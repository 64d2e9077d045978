/**
 * gru over rows of int16 gates: update, reset, candidate.
 *
 * In: x s16 [rows][3 * units].  Out: rows first to first + rows - 1 of y s8 [...][units].  The state is s16,
 * with 15 fraction bits for tanh.  Exact: quant/ops/gru.ts.
 */
import {
  RecurrentBlock,
  at_row,
  begin,
  carry_on,
  down15,
  gate,
  gate_sum,
  int16,
  is_before,
  row_at,
  tanh_s16,
  to_output,
} from "./recurrent";


@unmanaged
export class GruBlock extends RecurrentBlock {
  gates: usize; // address, s16 [units]: values of the reset gate
  scaled: usize; // address, s8 [units]: the state times the reset gate
}

/** A cell with an unbounded function: max(x, floor). */
@unmanaged
export class OpenGruBlock extends GruBlock {
  floor: i32; // 0: ReLU; -32768: none
}

// @ts-ignore: decorator
@inline
function gru_row(p: GruBlock, x: usize, before: usize, y: usize, after: bool, open: bool): void {
  const u = p.y_c;
  for (let k: i32 = 0; k < u; k++) {
    const reset = gate(p, at_row(p, x, before, u + k));
    store<i16>(p.gates + (k << 1), reset);
    if (!after) store<i8>(p.scaled + k, to_output(p, down15(reset * <i32>load<i16>(p.cell + (k << 1)))));
  }
  for (let k: i32 = 0; k < u; k++) {
    const o = 2 * u + k;
    const z = gate(p, at_row(p, x, before, k));
    let sum = gate_sum(p, o, after ? before : p.scaled, u);
    if (after) sum = down15(<i32>load<i16>(p.gates + (k << 1)) * sum);
    sum += <i32>load<i16>(x + (o << 1));
    const n = open ? max(changetype<OpenGruBlock>(p).floor, int16(sum)) : tanh_s16(p.table, int16(sum << p.gate_shift), 3, 0);
    const state = p.cell + (k << 1);
    const h = n + down15(z * (<i32>load<i16>(state) - n));
    store<i16>(state, h);
    store<i8>(y + k, to_output(p, h));
  }
}

/** The reset gate multiplies the recurrent sum. */
export function gru_after_s16_s8(p: GruBlock, first: i32, rows: i32): void {
  run(p, first, rows, true, false);
}

/** The reset gate multiplies the state before the recurrent sum. */
export function gru_before_s16_s8(p: GruBlock, first: i32, rows: i32): void {
  run(p, first, rows, false, false);
}

export function gru_after_open_s16_s8(p: OpenGruBlock, first: i32, rows: i32): void {
  run(p, first, rows, true, true);
}

export function gru_before_open_s16_s8(p: OpenGruBlock, first: i32, rows: i32): void {
  run(p, first, rows, false, true);
}

// @ts-ignore: decorator
@inline
function run(p: GruBlock, first: i32, rows: i32, after: bool, open: bool): void {
  begin(p);
  let before = p.last;
  for (let i: i32 = 0; i < rows; i++) {
    const r = row_at(p, first, rows, i);
    const y = p.y + r * p.y_c;
    if (is_before(p, y)) continue;
    gru_row(p, p.x + r * p.y_c * 6, before, y, after, open);
    before = y;
  }
  carry_on(p, before);
}
