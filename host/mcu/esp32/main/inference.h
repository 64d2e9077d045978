/*
 * One bundle on one stream: frames out of a queue, a hop at a time, into the module; its outputs to a detector.  Platform-independent C99.
 *
 * In: a bundle that is open, the queue that a sensor fills, the image that says what is heard.  Out: calls of `heard` or `output`, and counts.
 * Gaps: where frames were lost, those at hand and those that wait are given up, the module is reset and the detector's windows are emptied; both
 * are counted.
 * So an output never looks at sound from both sides of a gap, and a device that was too slow is back at the present at once.
 */
#ifndef INFERENCE_H
#define INFERENCE_H

#include "runlet-detector.h"
#include "runlet-queue.h"
#include "runlet.h"

/** What happened so far. */
struct inference_counts {
  uint64_t frames; /* consumed, lost and given up: the stream's clock */
  uint64_t lost;   /* as the queue counts: that found no room there, or that the sensor missed */
  uint64_t given_up;
  uint32_t gaps;
  uint32_t hops;
  uint32_t outputs;
  uint32_t heard;
  uint64_t busy_us; /* in the module */
  uint32_t last_us;
  uint32_t worst_us;
};

struct inference;

/** What the platform gives, and what it is told. All but now_us may be NULL. */
struct inference_calls {
  uint64_t (*now_us)(void);
  void (*heard)(const struct inference* i, const struct runlet_heard* word);
  /** Every output: real values. */
  void (*output)(const struct inference* i, double time_ms);
  void (*gap)(const struct inference* i, uint32_t frames);
};

struct inference {
  struct runlet* bundle;
  const struct runlet_image* image;
  struct runlet_queue* queue;
  const struct inference_calls* calls;
  struct runlet_detector* detector; /* NULL: the image hears nothing */
  const struct runlet_port* port;   /* the output that is read */
  float* values;                    /* its real values, port->elements */
  struct inference_counts counts;
  uint64_t origin; /* frame at which the module was reset */
  uint32_t since;  /* outputs since then */
};

enum { INFERENCE_IDLE = 0, INFERENCE_RAN = 1 };

/** Elements of the output that an image is about; 0 where bundle and image do not fit each other. */
uint32_t inference_elements(const struct runlet* bundle, const struct runlet_image* image);

/**
 * @param detector initialised with `image`, or NULL where it has none
 * @param values room for inference_elements floats
 * @return false where bundle, image and queue do not fit each other: one input, and frames as long as the queue's
 */
bool inference_init(struct inference* i, struct runlet* bundle, const struct runlet_image* image, struct runlet_queue* queue,
                    struct runlet_detector* detector, float* values, const struct inference_calls* calls);

/** Consumes a hop where one waits. @return INFERENCE_RAN, INFERENCE_IDLE, or a code of runlet.h below 0 */
int inference_step(struct inference* i);

/** Forgets all frames, also those that wait. @return RUNLET_OK, or a code of runlet.h below 0 */
int inference_forget(struct inference* i);

/** A real value as an input's int8 or int16: round(x / scale) + zero point, halves away from zero (host/session/quantise.ts). NaN is the zero point. */
int16_t inference_quantise(float x, const struct runlet_port* port);

#endif
