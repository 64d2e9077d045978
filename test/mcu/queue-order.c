/*
 * Runs runlet-queue in one thread and lets the other side in after every second store. So an order of stores
 * that two threads reach once in years occurs often.
 *
 *     queue-order STEPS SEED      prints JSON
 *
 * The consumer may not take frames from both sides of a gap. It takes frames and asks for losses; if there
 * are any, it discards the frames that it has and those that wait. Each frame holds its number among the
 * stored frames, and the number of frames lost before it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "runlet-queue.h"

enum { CAPACITY = 8, MOST = 12 };
struct frame { uint32_t number, lost; };

static struct frame memory[CAPACITY];
static struct runlet_queue queue;
static uint32_t seed, offered, stored, taken, discarded, lost, gaps, wrong, entered;
static bool produces, inside;

static uint32_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  return seed ^= seed << 5;
}

static void produce(void) {
  struct frame frames[MOST];
  uint32_t count = 1 + next() % MOST;
  if (next() % 4 == 0) {
    offered += count;
    runlet_queue_missed(&queue, count);
    return;
  }
  for (uint32_t i = 0; i < count; i++) frames[i] = (struct frame){stored + i, offered - stored};
  offered += count;
  stored += runlet_queue_put(&queue, frames, count);
}

static void let_in(void);

static void consume(void) {
  static bool begins = true;
  static uint32_t before;
  struct frame frames[CAPACITY];
  uint32_t count = runlet_queue_take(&queue, frames, 1 + next() % CAPACITY);
  for (uint32_t i = 0; i < count; i++) wrong += frames[i].number != taken + discarded + i;
  taken += count;
  let_in();
  uint32_t since = runlet_queue_lost(&queue);
  lost += since;
  let_in();
  if (since) {
    discarded += runlet_queue_discard(&queue);
    gaps++;
    begins = true;
    return;
  }
  if (!count) return;
  if (begins) before = frames[0].lost;
  begins = false;
  for (uint32_t i = 0; i < count; i++) wrong += frames[i].lost != before;
}

/** Sometimes runs the other side, but not from within itself. */
static void let_in(void) {
  if (inside || next() % 2) return;
  inside = true;
  entered++;
  for (uint32_t steps = 1 + next() % 3; steps > 0; steps--) (produces ? consume : produce)();
  inside = false;
}

#undef __atomic_store_n
void observed_store(uint32_t* at, uint32_t value, int order) {
  (void)order;
  __atomic_store_n(at, value, __ATOMIC_SEQ_CST);
  let_in();
}

int main(int argc, char** argv) {
  if (argc != 3 || !runlet_queue_init(&queue, memory, sizeof *memory, CAPACITY)) return 2;
  seed = (uint32_t)atol(argv[2]);
  for (uint32_t steps = (uint32_t)atol(argv[1]); steps > 0; steps--) {
    produces = next() % 2;
    (produces ? produce : consume)();
  }
  lost += runlet_queue_lost(&queue);
  printf("{\"offered\":%u,\"stored\":%u,\"taken\":%u,\"discarded\":%u,\"lost\":%u,\"waiting\":%u,\"gaps\":%u,\"entered\":%u,\"wrong\":%u}\n", offered, stored, taken,
         discarded, lost, runlet_queue_waiting(&queue), gaps, entered, wrong);
  return 0;
}
