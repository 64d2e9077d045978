/**
 * Numbers that the runtime and the emitter share: this file is AssemblyScript and TypeScript at once.
 */

/**
 * Offsets of the counters at the start of a state, i32 each: the mark, then as rn_reset sets them
 * (emit/reset.ts).
 */
export const READY = 0;
/** Frames of the current micro-hop. */
export const FILL = 4;
/** Outputs that are still held back. */
export const SKIP = 8;
/**
 * Micro-hops of the current hop; on clocks of their own (push-apart.ts) the frames until an output falls due.
 */
export const BLOCK = 12;
/** Outputs, modulo the plan's period. */
export const PHASE = 16;
/** Up to a whole eight, so that what follows is cleared with them. */
export const COUNTER_BYTES = 24;
/** Value of the first counter once rn_reset has run ('RUN1'). */
export const RUN_MARK = 0x52554e31;

/** Target relaxed: what rn_info calls the form of the dot product (kernels/mac-relaxed.ts). */
export const DOT_FORM = 12;

/** Bytes of a command's region (emit/wasi.ts); it ends where rn_info(8) says. */
export const REGION = 320;

/** What a command ends with; rn_push's error e gives PUSH_STATUS - e. */
export const ENDS_STATUS = 1;
export const HOST_STATUS = 2;
export const PUSH_STATUS = 10;
