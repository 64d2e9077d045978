/**
 * rn_reset of rows.
 *
 * In: the instructions of emit/reset.ts, as calls or as a section of a layer table.  Out: the state at the
 * start of the stream.
 */
import { reset } from "./network";

export function reset_rows(): void {
  reset();
}
