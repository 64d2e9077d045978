/**
 * The network of a module: its numbers, and the calls of each section. A build puts its own file in place of
 * this one (emit/source.ts, emit/table-source.ts), with what its form needs of this; here is everything, of a
 * network without layers.
 */
export { rn_abi } from "./abi";
export { rn_input, rn_output } from "./features";
export { rn_info } from "./info";
export { push_rows } from "./push";
export { rn_push, rn_reset } from "./sound";
export { rn_state } from "./state";
export { _start } from "./command";

/** Numbers are data of a layer table, and what stands here are addresses in its header. */
export const TABLE: bool = false;
/** Frames of a hop and of a micro-hop, and micro-hops of a hop. */
export const HOP: i32 = 1;
export const MICRO_HOP: i32 = 1;
export const BLOCKS: i32 = 1;
/** Every micro-hop is a hop. */
export const WHOLE_HOPS: bool = false;
/** The host writes straight to where the trunk reads (hop 1). */
export const DIRECT: bool = false;
/** One input alone: where the trunk has its new rows, where the host writes frames, and bytes of a frame. */
export const ALONE: bool = false;
export const NEW_ROW: i32 = 0;
export const FIRST: i32 = 0;
export const TICK: i32 = 1;
/** Addresses: the state, the constants of rn_info. */
export const STATE: i32 = 16;
export const INFO: i32 = 40;
export const INFO_END: i32 = 40;

/** Every micro-hop. */
export function trunk(): void {}
/** Every hop: the right edge of this window, the left edge of a later one. */
export function edges(): void {}
/** Every output. */
export function head(): void {}
/** Every hop, after the head: partial results move on. */
export function rotate(): void {}
/** Every micro-hop, last: histories move down by the new rows. */
export function slide(): void {}
/** The start of the stream. */
export function reset(): void {}
/** Moves `take` ticks of every input behind the `fill` that the trunk has; `done` are taken. */
export function receive(fill: i32, done: i32, take: i32): void {}

/** With a front end: its block, where the host writes samples, and samples of a step. */
export function sound_block(): usize {
  return 0;
}
export function sound_samples(): usize {
  return 0;
}
export function sound_step(): i32 {
  return 1;
}
/** Of a front end alone: the same, and its row. */
export const TABLES: i32 = 0;
export const SAMPLES: i32 = 0;
export const ROW: i32 = 0;

/** Of a layer table: addresses of further fields of its header, and the instructions of a section. */
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
/** It has a front end. */
export const SOUND: bool = false;
export function run(section: usize): void {}
