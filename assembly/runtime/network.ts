/**
 * The network of a module: its numbers, and the calls of each section. A build replaces this file with its
 * own (emit/source.ts, emit/table-source.ts), which has only what its form needs. This one has everything,
 * for a network without layers.
 */
export { rn_abi } from "./abi";
export { rn_input, rn_output } from "./features";
export { rn_info } from "./info";
export { push_rows } from "./push";
export { rn_push, rn_reset } from "./sound";
export { rn_state } from "./state";
export { _start } from "./command";

/** True for style `table`: the constants here are addresses of numbers in its header. */
export const TABLE: bool = false;
/** Frames of a hop, frames of a micro-hop, micro-hops of a hop. */
export const HOP: i32 = 1;
export const MICRO_HOP: i32 = 1;
export const BLOCKS: i32 = 1;
/** True if a micro-hop is a hop. */
export const WHOLE_HOPS: bool = false;
/** True if the host writes straight to where the trunk reads (hop 1). */
export const DIRECT: bool = false;
/** True if there is one input; then its new rows in the trunk, its frames, and bytes of a frame. */
export const ALONE: bool = false;
export const NEW_ROW: i32 = 0;
export const FIRST: i32 = 0;
export const TICK: i32 = 1;
/** Addresses: the state, the constants of rn_info and their end. */
export const STATE: i32 = 16;
export const INFO: i32 = 40;
export const INFO_END: i32 = 40;

/** Runs at every micro-hop. */
export function trunk(): void {}
/** Runs at every hop: right edge of this window, left edge of a later one. */
export function edges(): void {}
/** Runs at every output. */
export function head(): void {}
/** Runs at every hop, after the head: moves on to the next partial results. */
export function rotate(): void {}
/** Runs at every micro-hop, last: moves histories down by the new rows. */
export function slide(): void {}
/** Sets the state to the start of the stream. */
export function reset(): void {}
/** Copies `take` ticks of every input, from tick `done` on, behind the `fill` ticks of the trunk. */
export function receive(fill: i32, done: i32, take: i32): void {}

/** With a front end: its block, the address where the host writes samples, samples of a step. */
export function sound_block(): usize {
  return 0;
}
export function sound_samples(): usize {
  return 0;
}
export function sound_step(): i32 {
  return 1;
}
/** Only a front end: addresses of its block, samples and row. */
export const TABLES: i32 = 0;
export const SAMPLES: i32 = 0;
export const ROW: i32 = 0;

/** Style `table`: addresses of further fields of the header. */
export const INPUTS: i32 = 0;
export const INPUT_COUNT: i32 = 0;
export const OUTPUTS: i32 = 0;
export const OUTPUT_COUNT: i32 = 0;
export const TRUNK: i32 = 0;
export const EDGES: i32 = 0;
export const HEAD: i32 = 0;
export const ROTATE: i32 = 0;
export const SLIDE: i32 = 0;
export const RESET: i32 = 0;
/** True if there is a front end. */
export const SOUND: bool = false;
/** Executes the instructions of a section of a layer table. */
export function run(section: usize): void {}
