/*
 * The line that a device prints every few seconds: timing, memory, overruns.  Platform-independent C99.
 *
 * In: counts of inference.h, memory use of the platform.  Out: one line of name=value pairs.
 */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <stddef.h>

#include "inference.h"

/** Memory use of the platform, in bytes. */
struct heartbeat_memory {
  uint32_t pool_used, pool_most, pool_bytes;
  uint32_t file_bytes; /* size of the module's file in RAM */
  uint32_t heap_free, heap_least;
  uint32_t stack_least; /* part of the inference task's stack that was never used */
};

/** Counts at the previous line; a line covers the time since then. */
struct heartbeat {
  struct inference_counts before;
};

/**
 * Writes the line for the time since the previous one: at most `room` bytes, always zero-terminated.
 *
 *     runlet kws t=12.0s hops=25 us=1234 worst=1502 load=6.2% outputs=300 heard=2 lost=0 gaps=0 queue=640/2048
 *       pool=11304/24576 linear=7744 file=6891 heap=182340 least=175000 stack=1820
 *
 * (all in one line). hops, us, worst and load cover the time since the previous line, the rest the time since
 * the start. `load` is the share of real time spent in the module.
 * @return length of the line
 */
size_t heartbeat_text(struct heartbeat* h, struct inference* i, const struct heartbeat_memory* memory, char* to, size_t room);

#endif
