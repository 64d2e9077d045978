/**
 * The network's numbers: constants of network.ts, or with style `table` fields of the header.
 *
 * In: network.ts.  Out: frames of a hop and of a micro-hop, micro-hops of a hop, the address of the state.
 */
import { BLOCKS, HOP, MICRO_HOP, STATE, TABLE } from "./network";

// @ts-ignore: decorator
@inline
export function hop(): i32 {
  return TABLE ? load<i32>(HOP) : HOP;
}

// @ts-ignore: decorator
@inline
export function micro_hop_frames(): i32 {
  return TABLE ? load<i32>(MICRO_HOP) : MICRO_HOP;
}

// @ts-ignore: decorator
@inline
export function blocks(): i32 {
  return TABLE ? load<i32>(BLOCKS) : BLOCKS;
}

// @ts-ignore: decorator
@inline
export function state(): usize {
  return TABLE ? load<usize>(STATE) : STATE;
}
