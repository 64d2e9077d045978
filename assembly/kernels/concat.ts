/**
 * concat: one input's part of every output row; called once an input.
 *
 * In: X s8 [ROWS][COUNT].  Out: Y s8 [ROWS][Y_PITCH], from this input's offset.  Exact: bytes are copied.
 */
import { COUNT, ROWS, X, Y, Y_PITCH } from "./block";
import { move_s8 } from "./move";

export function concat_s8(p: usize): void {
  const part = load<i32>(p, COUNT);
  for (let r: i32 = 0; r < load<i32>(p, ROWS); r++)
    move_s8(load<i32>(p, Y) + r * load<i32>(p, Y_PITCH), load<i32>(p, X) + r * part, part);
}
