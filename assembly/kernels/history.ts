/**
 * history: delays rows of the input by `pad_t` rows; the zero point where the input has no row.
 *
 * In: x s8 [x_rows][row].  Out: rows first to first + rows - 1 of y s8 [...][row].  Exact: bytes are copied.
 */
import { fill_s8, move_s8 } from "./move";


@unmanaged
export class HistoryBlock {
  x: usize;
  y: usize;
  own: i32; // pad_s8: content of the padding (history-pad.ts)
  x_rows: i32; // input rows present
  pad_t: i32;
  row: i32; // bytes of a row
  zero: i32;
}

export function history_s8(p: HistoryBlock, first: i32, rows: i32): void {
  const row = p.row;
  for (let r = first; r < first + rows; r++) {
    const from = r - p.pad_t;
    const to = p.y + r * row;
    if (from >= 0 && from < p.x_rows) move_s8(to, p.x + from * row, row);
    else fill_s8(to, p.zero, row);
  }
}
