/*
 * The detector of runlet-detector.h.
 *
 * Exact: it adds in double precision, from the first slot of the window to the last, as
 * host/session/detector.ts does. So both detect the same words at the same outputs.
 */
#include "runlet-detector.h"

#include <stddef.h>
#include <string.h>

uint32_t runlet_detector_bytes(const struct runlet_image* image) {
  if (!image->detects) return 0;
  return image->labels * ((uint32_t)sizeof(double) + image->window * (uint32_t)sizeof(float));
}

bool runlet_detector_init(struct runlet_detector* d, const struct runlet_image* image, void* memory) {
  memset(d, 0, sizeof *d);
  if (!image->detects || !memory) return false;
  d->image = image;
  d->waits = memory;
  d->recent = (float*)(d->waits + image->labels);
  for (uint32_t i = 0; i < image->labels; i++) d->waits[i] = 0;
  runlet_detector_clear(d);
  return true;
}

void runlet_detector_clear(struct runlet_detector* d) {
  for (uint32_t i = 0; i < d->image->labels * d->image->window; i++) d->recent[i] = 0;
  d->next = 0;
  d->filled = 0;
}

double runlet_detector_mean(const struct runlet_detector* d, uint32_t element) {
  uint32_t window = d->image->window;
  const float* recent = d->recent + element * window;
  double sum = 0;
  if (d->filled < window) return 0;
  for (uint32_t i = 0; i < window; i++) sum += (double)recent[i];
  return sum / window;
}

bool runlet_detector_push(struct runlet_detector* d, const float* values, double time_ms, struct runlet_heard* heard) {
  const struct runlet_image* image = d->image;
  bool found = false;
  for (uint32_t i = 0; i < image->labels; i++) d->recent[i * image->window + d->next] = values[i];
  d->next = d->next + 1 == image->window ? 0 : d->next + 1;
  if (d->filled < image->window) d->filled++;
  for (uint32_t i = 0; i < image->labels; i++) {
    double cutoff = runlet_image_cutoff(image, i);
    if (cutoff > 1) continue;
    if ((double)values[i] < cutoff && d->waits[i] > 0) {
      double wait = d->waits[i] - (time_ms - d->time_ms);
      d->waits[i] = wait > 0 ? wait : 0;
    }
    double mean = runlet_detector_mean(d, i);
    if (d->waits[i] > 0 || !(mean > cutoff) || image->voice || (found && heard->mean >= mean)) continue;
    *heard = (struct runlet_heard){i, time_ms, mean};
    found = true;
  }
  d->time_ms = time_ms;
  if (found) {
    runlet_detector_clear(d);
    d->waits[heard->element] = image->refractory_ms;
  }
  return found;
}
