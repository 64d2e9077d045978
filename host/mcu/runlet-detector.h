/*
 * Says when a word was heard, from the outputs of a model that runs on a stream.  C99, no allocation.
 *
 * In: an image's detector, the real values of every output and their time.  Out: at most one word an output.
 * Rule: host/session/detector.ts and label-detector.ts, to the same bits: a word is heard where the mean of its latest N values is above its cutoff;
 * all windows are emptied then, and the word is not heard again until its newest value has been below the cutoff for the refractory time in all.
 * Cost: N additions in double precision a word and output.
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
  double* waits;   /* by element: milliseconds below the cutoff that are missing */
  float* recent;   /* by element: the latest `window` values, the oldest at `next` */
  uint32_t next, filled;
  double time_ms;
};

struct runlet_heard {
  uint32_t element; /* runlet_image_label has its name */
  double time_ms;   /* of the output that completed the detection */
  double mean;      /* of the window */
};

/** Bytes of memory that runlet_detector_init wants; 0 where the image has no detector. At most 4 MB (256 labels, 4096 outputs). */
uint32_t runlet_detector_bytes(const struct runlet_image* image);

/** @param memory runlet_detector_bytes bytes at a multiple of 8, the caller's until the end. @return false where the image has no detector */
bool runlet_detector_init(struct runlet_detector* d, const struct runlet_image* image, void* memory);

/** After a gap of the signal: empties the windows; refractory times go on. */
void runlet_detector_clear(struct runlet_detector* d);

/**
 * Takes the next output.
 * @param values one a label, as dequantised: (float)(scale * (q - zero point))
 * @return whether a word was heard; then `heard` says which. A model of voice activity hears no words
 */
bool runlet_detector_push(struct runlet_detector* d, const float* values, double time_ms, struct runlet_heard* heard);

/** Mean of the window of an element; 0 until it is full. */
double runlet_detector_mean(const struct runlet_detector* d, uint32_t element);

#ifdef __cplusplus
}
#endif
#endif
