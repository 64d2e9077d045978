/**
 * rn_info of a module of style `calls`: constants at the base of memory, numbered in docs/abi.md.
 *
 * In: i32 [n][what, value] (emit/info.ts packs them).  Out: a value, or -1 if there is no such constant.
 */
import { form } from "../kernels/mac-relaxed";
import { RELAXED } from "../kernels/needs";
import { INFO, INFO_END } from "./network";
import { DOT_FORM } from "./numbers";

export function rn_info(what: i32): i32 {
  if (RELAXED && what == DOT_FORM) return form;
  for (let at: usize = INFO; at < <usize>INFO_END; at += 8) {
    if (load<i32>(at) == what) return load<i32>(at, 4);
  }
  return -1;
}
