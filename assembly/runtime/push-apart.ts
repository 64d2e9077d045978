/**
 * rn_push in mode misaligned: micro-hops and outputs have separate counters, and an output reads the newest
 * rows from the histories.
 *
 * In, out: as push.ts.  The counter `block` holds the frames until an output falls due.
 */
import { FORM_NONE, form } from "../kernels/mac-relaxed";
import { move_s8 } from "../kernels/move";
import { RELAXED } from "../kernels/needs";
import { ALONE, FIRST, NEW_ROW, TICK, head, receive, slide } from "./network";
import { BLOCK, FILL, READY, RUN_MARK, SKIP } from "./numbers";
import { trunk } from "./trunk";
import { hop, micro_hop_frames, state } from "./values";

export function push_rows(frames: i32): i32 {
  if (load<i32>(state(), READY) != RUN_MARK) return -1;
  if (RELAXED && form == FORM_NONE) return -3;
  if (frames < 1 || frames > hop()) return -2;
  let due = 0;
  let from = FIRST;
  while (frames > 0) {
    const fill = load<i32>(state(), FILL);
    const left = load<i32>(state(), BLOCK);
    const take = min(min(frames, left), micro_hop_frames() - fill);
    if (ALONE) move_s8(NEW_ROW + fill * TICK, from, take * TICK);
    else receive(fill, from, take);
    from += take * TICK;
    frames -= take;
    store<i32>(state(), (fill + take) % micro_hop_frames(), FILL);
    if (fill + take == micro_hop_frames()) {
      trunk();
      slide();
    }
    store<i32>(state(), left == take ? hop() : left - take, BLOCK);
    if (left == take) {
      const skip = load<i32>(state(), SKIP);
      if (skip > 0) store<i32>(state(), skip - 1, SKIP);
      else {
        head();
        due = 1;
      }
    }
  }
  return due;
}
