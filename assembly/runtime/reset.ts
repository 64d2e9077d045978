/**
 * rn_reset of rows.
 *
 * In: the instructions of emit/reset.ts, as calls or as a section of a layer table.  Out: the state at the
 * start of the stream.
 */
import { probe } from "../kernels/mac-relaxed";
import { RELAXED } from "../kernels/needs";
import { reset } from "./network";

export function reset_rows(): void {
  if (RELAXED) probe();
  reset();
}
