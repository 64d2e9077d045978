/* The steps that a program has taken, and how many it may take (steps.c). */
#ifndef STEPS_H
#define STEPS_H

#include <stdint.h>

extern uint64_t steps, steps_allowed;

#endif
