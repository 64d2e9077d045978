/*
 * A queue of frames between one producer (an interrupt, a DMA callback, a task) and one consumer (inference).  C99 with GCC's atomic built-ins.
 *
 * In: whole frames of a fixed number of bytes.  Out: the same frames in order.  Static memory, no lock, no wait on either side.
 * A frame that finds no room is not stored and is counted: frames offered = frames taken + discarded + waiting + lost, always.  Nothing else is lost.
 * Frames already stored are never overwritten, so a gap lies behind what waited when it came about.
 * Order: a gap is counted before the frames behind it can be taken.  A consumer that takes first and asks for losses then, and for losses before it
 * discards, never takes frames from both sides of a gap for one signal.
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
  uint32_t taken;    /* frames taken or discarded so far, modulo 2^32; written by the consumer */
  uint32_t lost;     /* frames that found no room or never came here, modulo 2^32; written by the producer */
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

/**
 * Producer: counts `count` frames that were lost before they came here, such as those of a driver whose buffers were full. They lie behind what was
 * put before and in front of what is put next.
 */
void runlet_queue_missed(struct runlet_queue* q, uint32_t count);

/** Consumer: frames that wait. */
uint32_t runlet_queue_waiting(const struct runlet_queue* q);

/** Consumer: takes `count` frames, or none where fewer wait. @return frames taken: `count` or 0 */
uint32_t runlet_queue_take(struct runlet_queue* q, void* frames, uint32_t count);

/** Consumer: gives up all frames that wait, at once and without a copy. @return how many these were */
uint32_t runlet_queue_discard(struct runlet_queue* q);

/** Consumer: frames lost since it last asked, here or before. Not 0: the signal has a gap; discard what waits, runlet_reset, and say so. */
uint32_t runlet_queue_lost(struct runlet_queue* q);

/** Either side: frames lost in all (modulo 2^32), and the most that ever waited. */
uint32_t runlet_queue_lost_in_all(const struct runlet_queue* q);
uint32_t runlet_queue_most(const struct runlet_queue* q);

#ifdef __cplusplus
}
#endif
#endif
