/**
 * concat: one input's part of every output row; called once an input.
 *
 * In: X s8 [...][S_ROWS][COUNT].  Out: frames first to first + rows - 1 of Y s8 [...][S_ROWS][Y_PITCH], from this input's offset.  Exact: bytes are copied.
 */
import { COUNT, S_ROWS, X, Y, Y_PITCH } from "./block";
import { move_s8 } from "./move";

export function concat_s8(p: usize, first: i32, rows: i32): void {
  const part = load<i32>(p, COUNT);
  const per = load<i32>(p, S_ROWS);
  for (let r = first * per; r < (first + rows) * per; r++)
    move_s8(load<i32>(p, Y) + r * load<i32>(p, Y_PITCH), load<i32>(p, X) + r * part, part);
}
