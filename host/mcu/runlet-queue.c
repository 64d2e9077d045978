/*
 * The queue of runlet-queue.h: two counters that only grow, each written by one side.
 *
 * The producer stores frames, then releases `put`, which the consumer acquires. `taken` works the other way.
 * The producer releases the count of losses after the frames before a gap and before the frames after it. So
 * a consumer that sees the loss sees all frames to discard, and one that sees later frames sees the loss.
 * Waiting frames are put - taken modulo 2^32. Frame i is in slot i modulo the capacity, a power of two, so
 * the counters may wrap.
 */
#include "runlet-queue.h"

#include <string.h>

static uint32_t acquire(const uint32_t* counter) { return __atomic_load_n(counter, __ATOMIC_ACQUIRE); }
static void release(uint32_t* counter, uint32_t value) { __atomic_store_n(counter, value, __ATOMIC_RELEASE); }
/** Loads a counter that only the caller's side writes. */
static uint32_t relaxed(const uint32_t* counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }

bool runlet_queue_init(struct runlet_queue* q, void* memory, uint32_t frame_bytes, uint32_t capacity) {
  if (!q || !memory || !frame_bytes || !capacity || capacity & (capacity - 1) || capacity > UINT32_MAX / 2 / frame_bytes) return false;
  memset(q, 0, sizeof *q);
  q->frames = memory;
  q->frame_bytes = frame_bytes;
  q->capacity = capacity;
  return true;
}

/** Location of `count` frames from `first` on: up to the end of the buffer, then from its beginning. */
struct stretch {
  uint8_t *at, *begin;
  uint32_t bytes, rest;
};
static struct stretch stretch_of(const struct runlet_queue* q, uint32_t first, uint32_t count) {
  uint32_t slot = first & (q->capacity - 1), before_end = q->capacity - slot, one = count < before_end ? count : before_end;
  struct stretch s = {q->frames + (size_t)slot * q->frame_bytes, q->frames, one * q->frame_bytes, (count - one) * q->frame_bytes};
  return s;
}

void runlet_queue_missed(struct runlet_queue* q, uint32_t count) { release(&q->lost, relaxed(&q->lost) + count); }

uint32_t runlet_queue_put(struct runlet_queue* q, const void* frames, uint32_t count) {
  uint32_t put = relaxed(&q->put), waiting = put - acquire(&q->taken), room = q->capacity - waiting;
  uint32_t stored = count < room ? count : room;
  struct stretch s = stretch_of(q, put, stored);
  memcpy(s.at, frames, s.bytes);
  memcpy(s.begin, (const uint8_t*)frames + s.bytes, s.rest);
  if (waiting + stored > relaxed(&q->most)) __atomic_store_n(&q->most, waiting + stored, __ATOMIC_RELAXED);
  release(&q->put, put + stored);
  if (stored < count) runlet_queue_missed(q, count - stored);
  return stored;
}

uint32_t runlet_queue_waiting(const struct runlet_queue* q) { return acquire(&q->put) - relaxed(&q->taken); }

uint32_t runlet_queue_take(struct runlet_queue* q, void* frames, uint32_t count) {
  uint32_t taken = relaxed(&q->taken);
  if (acquire(&q->put) - taken < count) return 0;
  struct stretch s = stretch_of(q, taken, count);
  memcpy(frames, s.at, s.bytes);
  memcpy((uint8_t*)frames + s.bytes, s.begin, s.rest);
  release(&q->taken, taken + count);
  return count;
}

uint32_t runlet_queue_discard(struct runlet_queue* q) {
  uint32_t put = acquire(&q->put), waiting = put - relaxed(&q->taken);
  release(&q->taken, put);
  return waiting;
}

uint32_t runlet_queue_lost(struct runlet_queue* q) {
  uint32_t lost = acquire(&q->lost), since = lost - q->told;
  q->told = lost;
  return since;
}

uint32_t runlet_queue_lost_in_all(const struct runlet_queue* q) { return acquire(&q->lost); }
uint32_t runlet_queue_most(const struct runlet_queue* q) { return relaxed(&q->most); }
