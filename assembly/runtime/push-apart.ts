/**
 * rn_push in mode misaligned: micro-hops and outputs run on clocks of their own, and an output finds the
 * newest rows in the histories.
 *
 * In, out: as push.ts.  The counter `block` has the frames until an output falls due.
 */
import { move_s8 } from "../kernels/move";
import { ALONE, FIRST, HOP, MICRO_HOP, NEW_ROW, STATE, TABLE, TICK, head, receive, slide } from "./network";
import { BLOCK, FILL, READY, RUN_MARK, SKIP } from "./numbers";
import { trunk } from "./trunk";

export function push_rows(frames: i32): i32 {
  if (load<i32>(TABLE ? load<usize>(STATE) : STATE, READY) != RUN_MARK) return -1;
  if (frames < 1 || frames > (TABLE ? load<i32>(HOP) : HOP)) return -2;
  let due = 0;
  let from = FIRST;
  while (frames > 0) {
    const fill = load<i32>(TABLE ? load<usize>(STATE) : STATE, FILL);
    const left = load<i32>(TABLE ? load<usize>(STATE) : STATE, BLOCK);
    const take = min(min(frames, left), (TABLE ? load<i32>(MICRO_HOP) : MICRO_HOP) - fill);
    if (ALONE) move_s8(NEW_ROW + fill * TICK, from, take * TICK);
    else receive(fill, from, take);
    from += take * TICK;
    frames -= take;
    store<i32>(TABLE ? load<usize>(STATE) : STATE, (fill + take) % (TABLE ? load<i32>(MICRO_HOP) : MICRO_HOP), FILL);
    if (fill + take == (TABLE ? load<i32>(MICRO_HOP) : MICRO_HOP)) {
      trunk();
      slide();
    }
    store<i32>(TABLE ? load<usize>(STATE) : STATE, left == take ? (TABLE ? load<i32>(HOP) : HOP) : left - take, BLOCK);
    if (left == take) {
      const skip = load<i32>(TABLE ? load<usize>(STATE) : STATE, SKIP);
      if (skip > 0) store<i32>(TABLE ? load<usize>(STATE) : STATE, skip - 1, SKIP);
      else {
        head();
        due = 1;
      }
    }
  }
  return due;
}
