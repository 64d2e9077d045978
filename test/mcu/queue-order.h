/* Included before runlet-queue.c by queue.test.ts: after each of its stores the other side may run. */
#ifndef QUEUE_ORDER_H
#define QUEUE_ORDER_H

#include <stdint.h>

void observed_store(uint32_t* at, uint32_t value, int order);
#define __atomic_store_n(at, value, order) observed_store(at, value, order)

#endif
