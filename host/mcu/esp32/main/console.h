/*
 * The console: status, stats, reset, flash, model.  Commands run in a task of their own, and see what the inference task published last.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>

#include "inference.h"

/** Elements of an output that the console shows; priority of its task, between inference and sensor. */
enum { CONSOLE_ELEMENTS = 32, CONSOLE_PRIORITY = 7 };

/** What the inference task publishes after each hop. */
struct published {
  bool running;
  int slot;
  char status[448]; /* the latest heartbeat */
  struct inference_counts counts;
  uint32_t elements;
  float values[CONSOLE_ELEMENTS];
  double means[CONSOLE_ELEMENTS];
};

/** Starts the console; it goes on when the caller returns. */
void console_start(void);

/** Copies what is new. Waits at most a few microseconds. */
void console_publish(const struct published* now);

/** Whether `reset` was called since the last time; the inference task asks between two hops. */
bool console_wants_reset(void);

#endif
