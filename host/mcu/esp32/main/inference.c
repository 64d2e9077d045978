/*
 * The loop of inference.h.  It allocates nothing. Frames go from the queue directly into the module's memory.
 */
#include "inference.h"

#include <string.h>

uint32_t inference_elements(const struct runlet* bundle, const struct runlet_image* image) {
  if (image->detects && image->output >= bundle->output_count) return 0;
  uint32_t elements = bundle->outputs[image->detects ? image->output : 0].elements;
  return image->detects && elements != image->labels ? 0 : elements;
}

bool inference_init(struct inference* i, struct runlet* bundle, const struct runlet_image* image, struct runlet_queue* queue,
                    struct runlet_detector* detector, float* values, const struct inference_calls* calls) {
  memset(i, 0, sizeof *i);
  bool fits = bundle->input_count == 1 && bundle->inputs[0].bytes == queue->frame_bytes * bundle->hop && queue->capacity >= bundle->hop;
  if (!fits || !inference_elements(bundle, image) || image->detects != (detector != NULL)) return false;
  i->bundle = bundle;
  i->image = image;
  i->queue = queue;
  i->calls = calls;
  i->detector = detector;
  i->port = &bundle->outputs[image->detects ? image->output : 0];
  i->values = values;
  return true;
}

/** Discards the waiting frames and the `taken` present ones; resets. @return RUNLET_OK or a negative code */
static int start_again(struct inference* i, uint32_t taken) {
  uint32_t given_up = taken + runlet_queue_discard(i->queue);
  i->counts.given_up += given_up;
  i->counts.frames += given_up;
  i->origin = i->counts.frames;
  i->since = 0;
  if (i->detector) runlet_detector_clear(i->detector);
  return runlet_reset(i->bundle);
}

/** Counts and returns the frames lost since the last call. */
static uint32_t newly_lost(struct inference* i) {
  uint32_t lost = runlet_queue_lost(i->queue);
  i->counts.lost += lost;
  i->counts.frames += lost;
  return lost;
}

int inference_forget(struct inference* i) {
  newly_lost(i);
  return start_again(i, 0);
}

static void take_output(struct inference* i) {
  const struct runlet_port* port = i->port;
  for (uint32_t k = 0; k < port->elements; k++) {
    int stored = port->type == RUNLET_INT16 ? ((const int16_t*)(const void*)port->at)[k] : ((const int8_t*)port->at)[k];
    i->values[k] = (float)((double)port->scale * (stored - port->zero_point));
  }
  /* output n ends n * hop + window + delay frames after the reset; the first warm_up ones are not reported */
  uint64_t hops = (uint64_t)i->bundle->warm_up + i->since++;
  double end = (double)(i->origin + hops * i->bundle->hop + i->bundle->window + i->bundle->delay);
  double time_ms = i->image->frame_rate > 0 ? 1000 * end / i->image->frame_rate : 0;
  i->counts.outputs++;
  if (i->calls->output) i->calls->output(i, time_ms);
  struct runlet_heard word;
  if (!i->detector || !runlet_detector_push(i->detector, i->values, time_ms, &word)) return;
  i->counts.heard++;
  if (i->calls->heard) i->calls->heard(i, &word);
}

int inference_step(struct inference* i) {
  struct runlet* r = i->bundle;
  /* takes frames before it reads the losses: so no unreported gap precedes a frame that was taken */
  uint32_t taken = runlet_queue_take(i->queue, r->inputs[0].at, r->hop), lost = newly_lost(i);
  if (lost) {
    i->counts.gaps++;
    if (i->calls->gap) i->calls->gap(i, lost);
    int code = start_again(i, taken);
    return code < 0 ? code : INFERENCE_IDLE;
  }
  if (!taken) return INFERENCE_IDLE;
  uint64_t before = i->calls->now_us();
  int code = runlet_push(r, NULL, r->hop);
  uint32_t us = (uint32_t)(i->calls->now_us() - before);
  i->counts.frames += r->hop;
  i->counts.hops++;
  i->counts.busy_us += us;
  i->counts.last_us = us;
  if (us > i->counts.worst_us) i->counts.worst_us = us;
  if (code == RUNLET_DUE) take_output(i);
  return code < 0 ? code : INFERENCE_RAN;
}

int16_t inference_quantise(float x, const struct runlet_port* port) {
  float v = x / port->scale;
  if (!(v == v)) v = 0;
  double q = (v < 0 ? (double)v - 0.5 : (double)v + 0.5);
  /* clamps before the conversion: larger values do not fit an int */
  if (q > 65536) q = 65536;
  if (q < -65536) q = -65536;
  int whole = (int)q + port->zero_point;
  const int max = port->type == RUNLET_INT16 ? 32767 : 127;
  return (int16_t)(whole > max ? max : whole < -max - 1 ? -max - 1 : whole);
}
