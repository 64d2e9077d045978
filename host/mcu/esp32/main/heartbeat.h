/*
 * The line that a device prints every few seconds: timing, memory, overruns.  Platform-independent C99.
 *
 * In: counts of inference.h and what the platform says of its memory.  Out: one line of name=value pairs, for people and for scripts.
 */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <stddef.h>

#include "inference.h"

/** What the platform knows. Bytes. */
struct heartbeat_memory {
  uint32_t pool_used, pool_most, pool_bytes;
  uint32_t file_bytes; /* the module in RAM */
  uint32_t heap_free, heap_least;
  uint32_t stack_least; /* of the inference task: what never was used */
};

/** Counts when the last line was made, so that a line tells of the time since. */
struct heartbeat {
  struct inference_counts before;
};

/**
 * Writes the line for the time since the last one; never more than `room` bytes, always ended by a zero byte.
 *
 *     runlet kws t=12.0s hops=25 us=1234 worst=1502 load=6.2% outputs=300 heard=2 lost=0 gaps=0 queue=640/2048
 *       pool=11304/24576 linear=7744 file=6891 heap=182340 least=175000 stack=1820
 *
 * (one line). hops, us, worst and load are of the time since; the rest counts from the start. `load` is the share of real time spent in the module.
 * @return its length
 */
size_t heartbeat_text(struct heartbeat* h, struct inference* i, const struct heartbeat_memory* memory, char* to, size_t room);

#endif
