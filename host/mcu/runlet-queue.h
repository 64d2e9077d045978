/*
 * A lock-free queue from one producer (interrupt, DMA callback, task) to one consumer.  C99, GCC's atomics.
 *
 * In: whole frames of a fixed size.  Out: the same frames in order.  Static memory; neither side ever waits.
 * A full queue does not store further frames, but counts them: offered = taken + discarded + waiting + lost.
 * Stored frames are never overwritten, so a gap always follows the frames that waited when it occurred.
 * Order: a gap is counted before the frames after it can be taken.  So a consumer that first takes frames and
 * then reads the losses, before it discards anything, never joins frames from both sides of a gap.
 * Needs atomic 32-bit loads and stores but no compare-and-swap, so Cortex-M0 and RV32IMC suffice.
 */
#ifndef RUNLET_QUEUE_H
#define RUNLET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Private. If the core's caches are not coherent, place the queue and its frames in uncached memory. */
struct runlet_queue {
  uint8_t* frames;
  uint32_t frame_bytes;
  uint32_t capacity; /* frames, a power of two */
  uint32_t put;      /* frames stored so far, modulo 2^32; written by the producer */
  uint32_t taken;    /* frames taken or discarded so far, modulo 2^32; written by the consumer */
  uint32_t lost;     /* frames lost in a full queue or before it, modulo 2^32; written by the producer */
  uint32_t told;     /* value of `lost` at the latest call of runlet_queue_lost */
  uint32_t most;     /* largest number of frames that ever waited; written by the producer */
};

/**
 * Initialises an empty queue.
 * @param memory buffer of capacity * frame_bytes bytes
 * @param capacity frames, a power of two; at least a hop plus the frames that arrive while a hop is computed
 * @return false if an argument is invalid; then nothing is written
 */
bool runlet_queue_init(struct runlet_queue* q, void* memory, uint32_t frame_bytes, uint32_t capacity);

/** Producer: stores `count` frames, and counts those that do not fit as lost. @return frames stored */
uint32_t runlet_queue_put(struct runlet_queue* q, const void* frames, uint32_t count);

/**
 * Producer: counts `count` frames that were lost before they reached the queue, for example in a driver with
 * full buffers. The gap lies between the last frame that was put and the next one.
 */
void runlet_queue_missed(struct runlet_queue* q, uint32_t count);

/** Consumer: number of waiting frames. */
uint32_t runlet_queue_waiting(const struct runlet_queue* q);

/** Consumer: takes `count` frames, or none if fewer are waiting. @return frames taken: `count` or 0 */
uint32_t runlet_queue_take(struct runlet_queue* q, void* frames, uint32_t count);

/** Consumer: discards all waiting frames without a copy. @return their number */
uint32_t runlet_queue_discard(struct runlet_queue* q);

/** Consumer: frames lost since its previous call. If not 0: discard the waiting frames, then runlet_reset. */
uint32_t runlet_queue_lost(struct runlet_queue* q);

/** Either side: frames lost in total (modulo 2^32), and the largest number of frames that ever waited. */
uint32_t runlet_queue_lost_in_all(const struct runlet_queue* q);
uint32_t runlet_queue_most(const struct runlet_queue* q);

#ifdef __cplusplus
}
#endif
#endif
