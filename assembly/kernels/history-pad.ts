/**
 * pad: adds padding before and after each window. The rows of the window may give its values.
 *
 * In: x s8 [x_rows][row]; content of the padding: 0 the zero point, 1 mirrored rows, 2 mirrored rows that
 * include the outermost one, 3 the outermost row.  Out: rows first to first + rows - 1 of y s8 [...][row].
 * Exact: bytes are copied.
 */
import { HistoryBlock } from "./history";
import { fill_s8, move_s8 } from "./move";

export function pad_s8(p: HistoryBlock, first: i32, rows: i32): void {
  const row = p.row;
  const last = p.x_rows - 1;
  for (let r = first; r < first + rows; r++) {
    let from = r - p.pad_t;
    const to = p.y + r * row;
    const outside = from < 0 || from > last;
    if (outside && p.own) {
      const apart = p.own - 1;
      if (p.own == 3) from = from < 0 ? 0 : last;
      else from = from < 0 ? -from - apart : 2 * last + apart - from;
    }
    if (!outside || p.own) move_s8(to, p.x + from * row, row);
    else fill_s8(to, p.zero, row);
  }
}
