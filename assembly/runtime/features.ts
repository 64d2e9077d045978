/**
 * The ABI of a module that contains only a front end: samples in, rows of features out.
 *
 * In: int16 samples that the host has written, at most one step.  Out: as push.ts; a row falls due whenever a
 * window is full.
 */
import { FrontEndBlock, frontend_push, frontend_reset } from "../kernels/frontend";
import { HOP, ROW, SAMPLES, TABLES } from "./network";
import { READY, RUN_MARK } from "./numbers";
import { state } from "./values";

export function rn_push(frames: i32): i32 {
  if (load<i32>(state(), READY) != RUN_MARK) return -1;
  if (frames < 1 || frames > HOP) return -2;
  return frontend_push(changetype<FrontEndBlock>(TABLES), SAMPLES, frames);
}

export function rn_reset(): void {
  frontend_reset(changetype<FrontEndBlock>(TABLES));
  store<i32>(state(), RUN_MARK, READY);
}

export function rn_input(which: i32): i32 {
  return which == 0 ? SAMPLES : 0;
}

export function rn_output(which: i32): i32 {
  return which == 0 ? ROW : 0;
}
