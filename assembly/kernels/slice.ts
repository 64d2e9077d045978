/**
 * slice: a part of every input row; what concat does, the other way round.
 *
 * In: X s8 [...][S_ROWS][Y_PITCH], from the part's offset.  Out: frames first to first + rows - 1 of Y s8 [...][S_ROWS][COUNT].  Exact: bytes are copied.
 */
import { COUNT, S_ROWS, X, Y, Y_PITCH } from "./block";
import { move_s8 } from "./move";

export function slice_s8(p: usize, first: i32, rows: i32): void {
  const part = load<i32>(p, COUNT);
  const per = load<i32>(p, S_ROWS);
  for (let r = first * per; r < (first + rows) * per; r++)
    move_s8(load<i32>(p, Y) + r * part, load<i32>(p, X) + r * load<i32>(p, Y_PITCH), part);
}
