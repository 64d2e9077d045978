/** Numbers that the runtime and the emitter share. The file is both AssemblyScript and TypeScript. */

/**
 * Offsets of the i32 counters at the start of a state: the mark of rn_reset, then counters that emit/reset.ts
 * initialises.
 */
export const READY = 0;
/** Frames received of the current micro-hop. */
export const FILL = 4;
/** Outputs that are still to be suppressed. */
export const SKIP = 8;
/**
 * Micro-hops completed of the current hop. Mode misaligned (push-apart.ts): frames until an output falls due.
 */
export const BLOCK = 12;
/** Number of outputs so far, modulo the plan's period. */
export const PHASE = 16;
/** Bytes of the counters, rounded up to a multiple of 8, so that the same fill clears what follows. */
export const COUNTER_BYTES = 24;
/** Value at READY after rn_reset has run ('RUN1'). */
export const RUN_MARK = 0x52554e31;

/** Target relaxed: number in rn_info of the form of the dot product (kernels/mac-relaxed.ts). */
export const DOT_FORM = 12;

/** Bytes of a command's region (emit/wasi.ts). It ends at address rn_info(8). */
export const REGION = 320;

/** Exit statuses of a command. An error e of rn_push gives PUSH_STATUS - e. */
export const ENDS_STATUS = 1;
export const HOST_STATUS = 2;
export const PUSH_STATUS = 10;
