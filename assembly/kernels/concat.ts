/**
 * concat: copies the part of one input into every output row; called once per input.
 *
 * In: x s8 [...][frame_rows][count].  Out: frames first to first + rows - 1 of y s8
 * [...][frame_rows][y_pitch], from this input's offset.  Exact: bytes are copied.
 */
import { move_s8 } from "./move";


@unmanaged
export class ConcatBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // bytes of the part of a row
  y_pitch: i32; // bytes between rows of the wider tensor
  frame_rows: i32; // rows of a frame
}

export function concat_s8(p: ConcatBlock, first: i32, rows: i32): void {
  const part = p.count;
  const per = p.frame_rows;
  for (let r = first * per; r < (first + rows) * per; r++) move_s8(p.y + r * p.y_pitch, p.x + r * part, part);
}
