/* The line of heartbeat.h.  It prints integers only, so the smallest printf is sufficient. */
#include "heartbeat.h"

#include <inttypes.h>
#include <stdio.h>

size_t heartbeat_text(struct heartbeat* h, struct inference* i, const struct heartbeat_memory* memory, char* to, size_t room) {
  const struct inference_counts* now = &i->counts;
  uint32_t hops = now->hops - h->before.hops;
  uint64_t busy = now->busy_us - h->before.busy_us;
  uint32_t mean = hops ? (uint32_t)(busy / hops) : 0;
  double rate = i->image->frame_rate;
  uint64_t hop_us = rate > 0 ? (uint64_t)(1e6 * i->bundle->hop / rate) : 0;
  uint32_t load = hop_us ? (uint32_t)(mean * UINT64_C(1000) / hop_us) : 0;
  uint64_t tenths = rate > 0 ? (uint64_t)(10 * (double)now->frames / rate) : 0;
  if (!room) return 0;
  int count = snprintf(
      to, room,
      "runlet %s t=%" PRIu64 ".%us hops=%" PRIu32 " us=%" PRIu32 " worst=%" PRIu32 " load=%" PRIu32 ".%" PRIu32 "%%"
      " outputs=%" PRIu32 " heard=%" PRIu32 " lost=%" PRIu64 " gaps=%" PRIu32 " queue=%" PRIu32 "/%" PRIu32
      " pool=%" PRIu32 "/%" PRIu32 " linear=%" PRIu32 " file=%" PRIu32 " heap=%" PRIu32 " least=%" PRIu32 " stack=%" PRIu32,
      i->image->name, tenths / 10, (unsigned)(tenths % 10), hops, mean, now->worst_us, load / 10, load % 10, now->outputs, now->heard, now->lost,
      now->gaps, runlet_queue_most(i->queue), i->queue->capacity, memory->pool_most, memory->pool_bytes, i->bundle->memory_bytes, memory->file_bytes,
      memory->heap_free, memory->heap_least, memory->stack_least);
  h->before = *now;
  i->counts.worst_us = 0;
  return count < 0 ? 0 : (size_t)count < room ? (size_t)count : room - 1;
}
