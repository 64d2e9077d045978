/*
 * Detects words in the outputs of a model that runs on a stream.  C99, no allocation.
 *
 * In: an image with a detector; every output's real values and time.  Out: at most one word per output.
 * Rule: a word is detected when the mean of its latest N values is above its cutoff. All windows are then
 * emptied. The word's newest value must be below the cutoff for the refractory time in total before it can be
 * detected again.  Exact: the same results as host/session/detector.ts and label-detector.ts.
 * Cost: N additions in double precision per word and output.
 */
#ifndef RUNLET_DETECTOR_H
#define RUNLET_DETECTOR_H

#include "runlet-image.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Private. */
struct runlet_detector {
  const struct runlet_image* image;
  double* waits;   /* by element: milliseconds below the cutoff that are still required */
  float* recent;   /* by element: the latest `window` values, the oldest at `next` */
  uint32_t next, filled;
  double time_ms;
};

struct runlet_heard {
  uint32_t element; /* index of the word; runlet_image_label returns its name */
  double time_ms;   /* of the output that completed the detection */
  double mean;      /* of the window */
};

/** Bytes of memory for runlet_detector_init, at most 4 MB (256 labels, 4096 outputs); 0 without detector. */
uint32_t runlet_detector_bytes(const struct runlet_image* image);

/** @param memory runlet_detector_bytes bytes at a multiple of 8; must stay. @return false without detector */
bool runlet_detector_init(struct runlet_detector* d, const struct runlet_image* image, void* memory);

/** Empties the windows after a gap in the signal. Refractory times continue. */
void runlet_detector_clear(struct runlet_detector* d);

/**
 * Takes the next output.
 * @param values one per label, dequantised: (float)(scale * (q - zero point))
 * @return true if a word was detected, written to `heard`; always false for models of voice activity
 */
bool runlet_detector_push(struct runlet_detector* d, const float* values, double time_ms, struct runlet_heard* heard);

/** Mean of an element's window; 0 until the window is full. */
double runlet_detector_mean(const struct runlet_detector* d, uint32_t element);

#ifdef __cplusplus
}
#endif
#endif
