/**
 * The network's numbers where code reads them once: those of network.ts, or what a layer table's header has
 * there.
 *
 * In: network.ts.  Out: frames of a hop, the address of the state.
 */
import { HOP, STATE, TABLE } from "./network";

// @ts-ignore: decorator
@inline
export function hop(): i32 {
  return TABLE ? load<i32>(HOP) : HOP;
}

// @ts-ignore: decorator
@inline
export function state(): usize {
  return TABLE ? load<usize>(STATE) : STATE;
}
