/*
 * Runs one bundle on one stream: pushes frames from a queue by hops, and gives outputs to a detector.  C99.
 *
 * In: an open bundle, the queue of a sensor, the model image.  Out: calls of `heard` or `output`, and counts.
 * Gaps: when frames were lost, it discards the waiting frames and those just taken, resets the module and
 * empties the detector's windows. Lost and discarded frames are counted. So no output covers both sides of a
 * gap, and a device that was too slow catches up at once.
 */
#ifndef INFERENCE_H
#define INFERENCE_H

#include "runlet-detector.h"
#include "runlet-queue.h"
#include "runlet.h"

/** Counts since the start. */
struct inference_counts {
  uint64_t frames; /* frames consumed, lost and discarded: the stream's clock */
  uint64_t lost;   /* frames that found the queue full, or that the sensor missed */
  uint64_t given_up; /* frames discarded after a gap or a reset */
  uint32_t gaps;
  uint32_t hops;
  uint32_t outputs;
  uint32_t heard;
  uint64_t busy_us; /* time spent in the module */
  uint32_t last_us;
  uint32_t worst_us;
};

struct inference;

/** Functions of the platform. All but now_us may be NULL. */
struct inference_calls {
  uint64_t (*now_us)(void);
  void (*heard)(const struct inference* i, const struct runlet_heard* word);
  /** Called for every output; i->values has its real values. */
  void (*output)(const struct inference* i, double time_ms);
  void (*gap)(const struct inference* i, uint32_t frames);
};

struct inference {
  struct runlet* bundle;
  const struct runlet_image* image;
  struct runlet_queue* queue;
  const struct inference_calls* calls;
  struct runlet_detector* detector; /* NULL: the image has no detector */
  const struct runlet_port* port;   /* the output that is read */
  float* values;                    /* real values of its latest result, [port->elements] */
  struct inference_counts counts;
  uint64_t origin; /* frame at which the module was reset */
  uint32_t since;  /* number of outputs since then */
};

enum { INFERENCE_IDLE = 0, INFERENCE_RAN = 1 };

/** Number of elements of the output that is read; 0 if bundle and image do not match. */
uint32_t inference_elements(const struct runlet* bundle, const struct runlet_image* image);

/**
 * @param detector initialised with `image`; NULL if the image has none
 * @param values buffer of inference_elements floats
 * @return false if bundle, image and queue do not match; the bundle must have one input
 */
bool inference_init(struct inference* i, struct runlet* bundle, const struct runlet_image* image, struct runlet_queue* queue,
                    struct runlet_detector* detector, float* values, const struct inference_calls* calls);

/** Consumes a hop if one is waiting. @return INFERENCE_RAN, INFERENCE_IDLE, or a negative code of runlet.h */
int inference_step(struct inference* i);

/** Discards the waiting frames and resets the module. @return RUNLET_OK, or a negative code of runlet.h */
int inference_forget(struct inference* i);

/** Quantises a real value for an int8 or int16 input: round(x / scale) + zero point, saturated; halves away
 *  from zero (host/session/quantise.ts). NaN becomes the zero point. */
int16_t inference_quantise(float x, const struct runlet_port* port);

#endif
