/**
 * history: rows of the input PAD_T rows later; the zero point where the input has none.
 *
 * In: X s8 [X_ROWS][H_ROW].  Out: rows first to first + rows - 1 of Y s8 [...][H_ROW].  Exact: bytes are copied.
 */
import { H_ROW, H_ZERO, PAD_T, X, X_ROWS, Y } from "./block";
import { fill_s8, move_s8 } from "./move";

export function history_s8(p: usize, first: i32, rows: i32): void {
  const row = load<i32>(p, H_ROW);
  for (let r = first; r < first + rows; r++) {
    const from = r - load<i32>(p, PAD_T);
    const to = load<i32>(p, Y) + r * row;
    if (from >= 0 && from < load<i32>(p, X_ROWS)) move_s8(to, load<i32>(p, X) + from * row, row);
    else fill_s8(to, load<i32>(p, H_ZERO), row);
  }
}
