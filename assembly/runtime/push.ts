/**
 * rn_push of rows: passes frames to the trunk one micro-hop at a time. Complete hops give outputs.
 *
 * In: frames that the host has written to the inputs.  Out: 1 if an output fell due, 0 if not, -1 before
 * rn_reset, -2 if the number of frames is out of range, -3 if the engine's dot product is not exact
 * (relaxed).
 * Source: docs/pipeline.md, "The first micro-hop"; docs/abi.md.
 */
import { FORM_NONE, form } from "../kernels/mac-relaxed";
import { move_s8 } from "../kernels/move";
import { RELAXED } from "../kernels/needs";
import { ALONE, BLOCKS, DIRECT, FIRST, NEW_ROW, TICK, WHOLE_HOPS, edges, head, receive, rotate, slide } from "./network";
import { BLOCK, FILL, READY, RUN_MARK, SKIP } from "./numbers";
import { trunk } from "./trunk";
import { blocks, hop, micro_hop_frames, state } from "./values";

/** Runs a complete micro-hop. Returns 1 if an output fell due. */
function micro_hop(): i32 {
  let due = 0;
  trunk();
  const block = WHOLE_HOPS ? BLOCKS : load<i32>(state(), BLOCK) + 1;
  if (block == blocks()) {
    // a hop is complete: it gives an output, unless outputs are still suppressed
    if (!WHOLE_HOPS) store<i32>(state(), 0, BLOCK);
    edges();
    const skip = load<i32>(state(), SKIP);
    if (skip > 0) {
      store<i32>(state(), skip - 1, SKIP);
    } else {
      head();
      due = 1;
    }
    rotate();
  } else store<i32>(state(), block, BLOCK);
  slide();
  return due;
}

export function push_rows(frames: i32): i32 {
  if (load<i32>(state(), READY) != RUN_MARK) return -1;
  if (RELAXED && form == FORM_NONE) return -3;
  if (DIRECT) {
    // the host has written straight to the trunk
    if (frames != 1) return -2;
    return micro_hop();
  }
  if (frames < 1 || frames > hop()) return -2;
  let due = 0;
  let from = FIRST;
  while (frames > 0) {
    const fill = load<i32>(state(), FILL);
    const take = min(frames, micro_hop_frames() - fill);
    if (ALONE) move_s8(NEW_ROW + fill * TICK, from, take * TICK);
    else receive(fill, from, take);
    from += take * TICK;
    frames -= take;
    store<i32>(state(), fill + take, FILL);
    if (fill + take == micro_hop_frames()) {
      store<i32>(state(), 0, FILL);
      due |= micro_hop();
    }
  }
  return due;
}
