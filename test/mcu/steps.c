/*
 * Counts the steps of a program that is compiled with -fsanitize-coverage=trace-pc, and ends it if they are
 * too many. This file is compiled without that option.
 *
 * A step is a basic block: a run of instructions without a jump.
 */
#include "steps.h"

#include <stdio.h>
#include <unistd.h>

uint64_t steps, steps_allowed = UINT64_MAX;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
  if (++steps <= steps_allowed) return;
  steps_allowed = UINT64_MAX;
  fprintf(stderr, "too many steps: %llu\n", (unsigned long long)steps);
  _exit(5);
}
