/*
 * runlet-queue under two threads: what is offered is taken, waits or is counted as lost, to the frame, and what is taken is what was stored.
 *
 *     queue FRAMES CAPACITY BURST TAKE START      prints JSON
 *
 * The producer offers FRAMES frames in bursts of 1 to BURST and now and then lets the other run; the consumer takes 1 to TAKE. Each frame holds its number
 * among those stored, so that the consumer sees a frame lost, doubled or torn. The counters begin at START, so that they wrap.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runlet-queue.h"

enum { WORDS = 3, MOST = 256 };

static struct runlet_queue queue;
static uint32_t frames, burst, take;
static uint32_t offered, stored, done;

static uint32_t next(uint32_t* seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  return *seed ^= *seed << 5;
}

static void* produce(void* unused) {
  static uint32_t out[MOST][WORDS];
  uint32_t seed = 1, number = 0;
  while (offered < frames) {
    uint32_t count = 1 + next(&seed) % burst;
    for (uint32_t i = 0; i < count; i++) out[i][0] = number + i, out[i][1] = ~(number + i), out[i][2] = (number + i) * 2654435761u;
    uint32_t kept = runlet_queue_put(&queue, out, count);
    offered += count;
    stored += kept;
    number += kept;
    if (next(&seed) % 8 == 0) sched_yield();
  }
  __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
  return unused;
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  frames = (uint32_t)atol(argv[1]);
  uint32_t capacity = (uint32_t)atol(argv[2]), start = (uint32_t)strtoul(argv[5], NULL, 10), seed = 7;
  burst = (uint32_t)atol(argv[3]);
  take = (uint32_t)atol(argv[4]);
  /* exactly as large as it must be, so that a sanitizer sees a byte too far */
  void* memory = malloc((size_t)capacity * WORDS * 4);
  if (burst > MOST || take > MOST || !runlet_queue_init(&queue, memory, WORDS * 4, capacity)) return 2;
  queue.put = queue.taken = queue.lost = queue.told = start;
  pthread_t producer;
  pthread_create(&producer, NULL, produce, NULL);
  static uint32_t in[MOST][WORDS];
  uint32_t number = 0, wrong = 0, lost = 0;
  for (;;) {
    uint32_t last = __atomic_load_n(&done, __ATOMIC_ACQUIRE), waiting = runlet_queue_waiting(&queue), count = 1 + next(&seed) % take;
    if (last && waiting < count) count = waiting;
    if (last && !count) break;
    wrong += waiting > capacity;
    uint32_t taken = runlet_queue_take(&queue, in, count);
    wrong += taken != 0 && taken != count;
    for (uint32_t i = 0; i < taken; i++, number++)
      wrong += in[i][0] != number || in[i][1] != ~number || in[i][2] != number * 2654435761u;
    lost += runlet_queue_lost(&queue);
    if (!taken) sched_yield();
  }
  pthread_join(producer, NULL);
  lost += runlet_queue_lost(&queue);
  printf("{\"offered\":%u,\"stored\":%u,\"taken\":%u,\"lost\":%u,\"lostInAll\":%u,\"waiting\":%u,\"most\":%u,\"wrong\":%u}\n", offered, stored, number,
         lost, runlet_queue_lost_in_all(&queue) - start, runlet_queue_waiting(&queue), runlet_queue_most(&queue), wrong);
  free(memory);
  return 0;
}
