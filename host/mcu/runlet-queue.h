/*
 * A queue of frames between one producer (an interrupt, a DMA callback, a task) and one consumer (inference).  C99 with GCC's atomic built-ins.
 *
 * In: whole frames of a fixed number of bytes.  Out: the same frames in order.  Static memory, no lock, no wait on either side.
 * A frame that finds no room is not stored and is counted: frames offered = frames taken + frames waiting + frames lost, always.  Nothing else is lost.
 * Frames already stored are never overwritten, so a gap lies behind what the consumer has still to take.
 * Needs 32-bit loads and stores that are whole (every core of Runlet's); no compare-and-swap, so Cortex-M0 and RV32IMC do.
 */
#ifndef RUNLET_QUEUE_H
#define RUNLET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Private but for its place in memory: on a core with caches that are not coherent, put it and its frames into memory that is not cached. */
struct runlet_queue {
  uint8_t* frames;
  uint32_t frame_bytes;
  uint32_t capacity; /* frames, a power of two */
  uint32_t put;      /* frames stored so far, modulo 2^32; written by the producer */
  uint32_t taken;    /* frames taken so far, modulo 2^32; written by the consumer */
  uint32_t lost;     /* frames that found no room, modulo 2^32; written by the producer */
  uint32_t told;     /* of these, what runlet_queue_lost has told */
  uint32_t most;     /* most frames that ever waited; written by the producer */
};

/**
 * An empty queue.
 * @param memory room for capacity * frame_bytes bytes
 * @param capacity frames, a power of two; a hop and what comes in while one is computed is the least that makes sense
 * @return false where an argument is of no use, and then nothing is written
 */
bool runlet_queue_init(struct runlet_queue* q, void* memory, uint32_t frame_bytes, uint32_t capacity);

/** Producer: stores `count` frames; those that find no room, the last of them, are counted as lost. @return frames stored */
uint32_t runlet_queue_put(struct runlet_queue* q, const void* frames, uint32_t count);

/** Consumer: frames that wait. */
uint32_t runlet_queue_waiting(const struct runlet_queue* q);

/** Consumer: takes `count` frames, or none where fewer wait. @return frames taken: `count` or 0 */
uint32_t runlet_queue_take(struct runlet_queue* q, void* frames, uint32_t count);

/** Consumer: frames lost since it last asked. Not 0: the signal has a gap; runlet_reset, or fill it, and say so. */
uint32_t runlet_queue_lost(struct runlet_queue* q);

/** Either side: frames lost in all (modulo 2^32), and the most that ever waited. */
uint32_t runlet_queue_lost_in_all(const struct runlet_queue* q);
uint32_t runlet_queue_most(const struct runlet_queue* q);

#ifdef __cplusplus
}
#endif
#endif
