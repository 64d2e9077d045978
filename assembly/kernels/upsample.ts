/**
 * upsample: repeats rows, or puts zeros between them.
 *
 * In: x [...][x_f][row bytes].  Out: rows first to first + rows - 1 of y [...][y_f][row].  Exact: bytes are
 * copied.
 */
import { fill_s8, move_s8 } from "./move";


@unmanaged
export class UpsampleBlock {
  x: usize;
  y: usize;
  _8: i32;
  row: i32; // bytes of a feature row
  x_f: i32;
  y_f: i32;
  step_t: i32;
  step_f: i32;
  repeat: i32; // 1: rows are repeated; 0: zeros are put between them
  zero: i32;
}

export function upsample_s8(p: UpsampleBlock, first: i32, rows: i32): void {
  const row = p.row;
  let to = p.y + first * p.y_f * row;
  for (let i = first; i < first + rows; i++) {
    const t = i / p.step_t;
    const isRow = p.repeat || i == t * p.step_t;
    for (let j: i32 = 0; j < p.y_f; j++) {
      const f = j / p.step_f;
      if (isRow && (p.repeat || j == f * p.step_f)) move_s8(to, p.x + (t * p.x_f + f) * row, row);
      else fill_s8(to, p.zero, row);
      to += row;
    }
  }
}
