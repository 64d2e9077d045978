/**
 * The part of the runtime that only style `table` has: numbers and instructions are data at the base of
 * memory.
 *
 * In: addresses of the header's fields (network.ts; emit/table.ts packs the header).  Out: the numbers, the
 * sections, and the ABI.  Nothing here depends on a network.
 */
import { form } from "../kernels/mac-relaxed";
import { FrontEndBlock } from "../kernels/frontend";
import { move_s8 } from "../kernels/move";
import { RELAXED } from "../kernels/needs";
import {
  EDGES,
  HEAD,
  INFO,
  INFO_END,
  INPUTS,
  INPUT_COUNT,
  OUTPUTS,
  OUTPUT_COUNT,
  RESET,
  ROTATE,
  SLIDE,
  TRUNK,
  SOUND,
  run,
} from "./network";
import { DOT_FORM, PHASE } from "./numbers";
import { state } from "./values";

/** Address of the next byte of the table. */
let at: usize = 0;

/** Reads the next number of the table, signed LEB128. */
export function next(): i32 {
  let value: i32 = 0;
  let shift: i32 = 0;
  let byte: i32;
  do {
    byte = load<u8>(at++);
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return byte & 0x40 && shift < 32 ? value | (-1 << shift) : value;
}

/** Reads a queue from the table. Returns the address of its current slot. */
export function slot(phase: i32): usize {
  const address = next();
  const turn = phase % next();
  return address + turn * next();
}

/** Moves to the start of a section. Returns the output counter. */
// @ts-ignore: decorator
@inline
export function begin(section: usize): i32 {
  const phase = load<i32>(state(), PHASE);
  at = section;
  return phase;
}

// @ts-ignore: decorator
@inline
export function trunk(): void {
  run(load<i32>(TRUNK));
}

// @ts-ignore: decorator
@inline
export function edges(): void {
  run(load<i32>(EDGES));
}

// @ts-ignore: decorator
@inline
export function head(): void {
  run(load<i32>(HEAD));
}

// @ts-ignore: decorator
@inline
export function rotate(): void {
  run(load<i32>(ROTATE));
}

// @ts-ignore: decorator
@inline
export function slide(): void {
  run(load<i32>(SLIDE));
}

// @ts-ignore: decorator
@inline
export function reset(): void {
  run(load<i32>(RESET));
}

/** Copies `take` ticks of every input, from tick `done` on, behind the `fill` ticks of the trunk. */
// @ts-ignore: decorator
@inline
export function receive(fill: i32, done: i32, take: i32): void {
  for (let i: i32 = 0; i < load<i32>(INPUT_COUNT); i++) {
    const x = load<i32>(INPUTS) + i * 12;
    const tick = load<i32>(x, 8);
    move_s8(load<i32>(x, 4) + fill * tick, load<i32>(x) + done * tick, take * tick);
  }
}

export function rn_input(which: i32): i32 {
  if (SOUND) return which == 0 ? <i32>sound_samples() : 0;
  return <u32>which < load<u32>(INPUT_COUNT) ? load<i32>(load<i32>(INPUTS) + which * 12) : 0;
}

export function rn_output(which: i32): i32 {
  return <u32>which < load<u32>(OUTPUT_COUNT) ? load<i32>(load<i32>(OUTPUTS) + (which << 2)) : 0;
}

export function rn_info(what: i32): i32 {
  if (RELAXED && what == DOT_FORM) return form;
  at = load<i32>(INFO);
  while (at < load<usize>(INFO_END)) {
    const key = next();
    const value = next();
    if (key == what) return value;
  }
  return -1;
}

/** Address of the front end's block, which is stored behind the addresses of the outputs. */
// @ts-ignore: decorator
@inline
export function sound_block(): usize {
  return load<i32>(load<i32>(OUTPUTS) + (load<i32>(OUTPUT_COUNT) << 2));
}

// @ts-ignore: decorator
@inline
export function sound_samples(): usize {
  return load<i32>(load<i32>(OUTPUTS) + (load<i32>(OUTPUT_COUNT) << 2), 4);
}

// @ts-ignore: decorator
@inline
export function sound_step(): i32 {
  return changetype<FrontEndBlock>(sound_block()).step;
}
