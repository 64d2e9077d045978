/*
 * The console: status, stats, reset, flash, model.  Its task shows what the inference task published last.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>

#include "inference.h"

/** Output elements that the console shows at most; priority of its task, between inference and sensor. */
enum { CONSOLE_ELEMENTS = 32, CONSOLE_PRIORITY = 7 };

/** Values that the inference task publishes after each hop. */
struct published {
  bool running;
  int slot;
  char status[448]; /* the latest heartbeat */
  struct inference_counts counts;
  uint32_t elements;
  float values[CONSOLE_ELEMENTS];
  double means[CONSOLE_ELEMENTS];
};

/** Starts the console task. */
void console_start(void);

/** Publishes a copy of the values. Waits at most a few microseconds. */
void console_publish(const struct published* now);

/** Checks whether `reset` was entered since the last call; the inference task calls this between two hops. */
bool console_wants_reset(void);

#endif
