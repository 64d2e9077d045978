/**
 * slice: copies a part of every input row; the reverse of concat.
 *
 * In: x s8 [...][frame_rows][y_pitch], from the part's offset.  Out: frames first to first + rows - 1 of y s8
 * [...][frame_rows][count].  Exact: bytes are copied.
 */
import { ConcatBlock } from "./concat";
import { move_s8 } from "./move";

export function slice_s8(p: ConcatBlock, first: i32, rows: i32): void {
  const part = p.count;
  const per = p.frame_rows;
  for (let r = first * per; r < (first + rows) * per; r++) move_s8(p.y + r * part, p.x + r * p.y_pitch, part);
}
