/* The number of steps that a program has taken, and its limit (steps.c). */
#ifndef STEPS_H
#define STEPS_H

#include <stdint.h>

extern uint64_t steps, steps_allowed;

#endif
