/*
 * Tests runlet-queue with two threads: every offered frame is taken, discarded, waiting or counted as lost,
 * and a taken frame is the stored one.
 *
 *     queue FRAMES CAPACITY BURST TAKE START MISS      prints JSON
 *
 * The producer offers FRAMES frames in bursts of 1 to BURST and sometimes yields; the consumer takes 1 to
 * TAKE. Each frame holds its number among the stored frames, so that the consumer sees a frame that is lost,
 * repeated or torn. The counters begin at START, so that they wrap around.
 * If MISS is not 0, the sensor misses one burst in MISS, and the consumer may not take frames from both sides
 * of a gap. It takes frames and asks for losses; if there are any, it discards the frames that it has and
 * those that wait. Each frame holds the number of frames lost before it, which is equal between two gaps.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runlet-queue.h"

enum { WORDS = 4, MOST = 256 };

static struct runlet_queue queue;
static uint32_t frames, burst, take, miss;
static uint32_t offered, stored, missed, done;

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
    if (miss && next(&seed) % miss == 0) {
      runlet_queue_missed(&queue, count);
      offered += count;
      missed += count;
      continue;
    }
    for (uint32_t i = 0; i < count; i++) out[i][3] = offered - stored;
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
  if (argc != 7) return 2;
  frames = (uint32_t)atol(argv[1]);
  uint32_t capacity = (uint32_t)atol(argv[2]), start = (uint32_t)strtoul(argv[5], NULL, 10), seed = 7;
  burst = (uint32_t)atol(argv[3]);
  take = (uint32_t)atol(argv[4]);
  miss = (uint32_t)atol(argv[6]);
  /* exactly as large as needed, so that a sanitizer sees an access beyond it */
  void* memory = malloc((size_t)capacity * WORDS * 4);
  if (burst > MOST || take > MOST || !runlet_queue_init(&queue, memory, WORDS * 4, capacity)) return 2;
  queue.put = queue.taken = queue.lost = queue.told = start;
  pthread_t producer;
  pthread_create(&producer, NULL, produce, NULL);
  static uint32_t in[MOST][WORDS];
  uint32_t number = 0, wrong = 0, lost = 0, discarded = 0, gaps = 0, before = 0;
  bool begins = true;
  for (;;) {
    uint32_t last = __atomic_load_n(&done, __ATOMIC_ACQUIRE), waiting = runlet_queue_waiting(&queue), count = 1 + next(&seed) % take;
    if (last && waiting < count) count = waiting;
    if (last && !count) break;
    wrong += waiting > capacity;
    uint32_t taken = runlet_queue_take(&queue, in, count);
    wrong += taken != 0 && taken != count;
    for (uint32_t i = 0; i < taken; i++, number++)
      wrong += in[i][0] != number || in[i][1] != ~number || in[i][2] != number * 2654435761u;
    uint32_t since = runlet_queue_lost(&queue);
    lost += since;
    if (miss && since) {
      uint32_t given_up = runlet_queue_discard(&queue);
      wrong += given_up > capacity;
      number += given_up;
      discarded += given_up;
      gaps++;
      begins = true;
    } else if (miss && taken) {
      if (begins) before = in[0][3];
      begins = false;
      for (uint32_t i = 0; i < taken; i++) wrong += in[i][3] != before;
    }
    if (!taken) sched_yield();
  }
  pthread_join(producer, NULL);
  lost += runlet_queue_lost(&queue);
  printf("{\"offered\":%u,\"stored\":%u,\"taken\":%u,\"lost\":%u,\"lostInAll\":%u,\"waiting\":%u,\"most\":%u,\"wrong\":%u,"
         "\"missed\":%u,\"discarded\":%u,\"gaps\":%u}\n", offered, stored, number - discarded, lost, runlet_queue_lost_in_all(&queue) - start, runlet_queue_waiting(&queue), runlet_queue_most(&queue), wrong, missed, discarded, gaps);
  free(memory);
  return 0;
}
