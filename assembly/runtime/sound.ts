/**
 * The ABI of a module with a front end before its network. Samples are taken one step at a time; each full
 * window gives a row for the network.
 *
 * In: int16 samples that the host has written.  Out: as push.ts.  `push_rows`, which is rn_push in modules
 * without a front end, takes the row that the front end has written to the network's input.
 */
import { FrontEndBlock, frontend_push, frontend_reset } from "../kernels/frontend";
import { push_rows, sound_block, sound_samples, sound_step } from "./network";
import { READY, RUN_MARK } from "./numbers";
import { reset_rows } from "./reset";
import { hop, state } from "./values";

export function rn_push(frames: i32): i32 {
  if (load<i32>(state(), READY) != RUN_MARK) return -1;
  const step = sound_step();
  if (frames < 1 || frames > hop() * step) return -2;
  let from = sound_samples();
  let due = 0;
  while (frames > 0) {
    const take = min(frames, step);
    if (frontend_push(changetype<FrontEndBlock>(sound_block()), from, take)) due |= push_rows(1);
    from += take << 1;
    frames -= take;
  }
  return due;
}

export function rn_reset(): void {
  frontend_reset(changetype<FrontEndBlock>(sound_block()));
  reset_rows();
}
