/**
 * regroup: copies frames unchanged, for a reader that groups their elements differently.
 *
 * In: x s8 [...][count].  Out: frames first to first + rows - 1 of y s8 [...][count].
 * Exact: bytes are copied.
 */
import { ConcatBlock } from "./concat";
import { move_s8 } from "./move";

export function regroup_s8(p: ConcatBlock, first: i32, rows: i32): void {
  const from = first * p.count;
  move_s8(p.y + from, p.x + from, rows * p.count);
}
