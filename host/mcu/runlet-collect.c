/*
 * The choice of windows, and their messages (runlet-collect.h).  Layout: docs/streams.md; reader:
 * host/gateway/streams/wire.ts.
 *
 * Frames and outputs are counted in 64 bits, which no device exceeds.  Source of COBS: S. Cheshire and
 * M. Baker, "Consistent Overhead Byte Stuffing", 1999.
 */
#include "runlet-collect.h"

#include <string.h>

enum {
  OBSERVED = 64, /* first outputs that are only counted */
  BURST = 12,    /* a twelfth of the windows can be chosen at once */
  REMEMBERED = 4096,
  HEADER = 40,
  VERSION = 1,
  NUMBERED = 1,
  TIMED = 2,
  IS_WINDOW = 4,
  LONGEST_NAME = 64
};
static const uint64_t longest_span = (uint64_t)1 << 48;

/* ---- the latest window ---- */

static uint32_t bytes_of_tick(const struct runlet_model* model) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < model->input_count; i++) sum += model->frame_bytes[i];
  return sum <= UINT32_MAX ? (uint32_t)sum : 0;
}

uint32_t runlet_collect_bytes(const struct runlet_model* model) {
  if (!model || !model->hop || !model->window || model->input_count < 1 || model->input_count > RUNLET_INPUTS) return 0;
  uint64_t ticks = (uint64_t)model->window + model->delay + model->hop - 1, tick = bytes_of_tick(model);
  return tick && ticks <= UINT32_MAX / tick ? (uint32_t)(ticks * tick) : 0;
}

int runlet_collect_init(struct runlet_collect* c, const struct runlet_model* model, uint32_t windows, uint64_t span_frames, void* memory,
                        uint32_t bytes) {
  if (!c) return RUNLET_USE;
  memset(c, 0, sizeof *c);
  if (!model || !memory || !windows || !span_frames || span_frames > longest_span) return RUNLET_USE;
  uint32_t needed = runlet_collect_bytes(model);
  if (!needed) return RUNLET_LAYOUT;
  if (bytes < needed) return RUNLET_USE;
  /* in any span: `burst` at once, and one less than refill - in all `windows` */
  uint32_t burst = windows / BURST ? windows / BURST : 1, refill = windows - burst + 1;
  c->kept = (uint8_t*)memory;
  c->tick_bytes = bytes_of_tick(model);
  c->kept_ticks = needed / c->tick_bytes;
  c->price = (span_frames + refill - 1) / refill;
  c->most = burst * c->price;
  c->budget = c->price;
  c->remembered = span_frames / model->hop > REMEMBERED ? span_frames / model->hop : REMEMBERED;
  if (c->remembered > UINT32_MAX / 2) c->remembered = UINT32_MAX / 2;
  c->model = model;
  return RUNLET_OK;
}

void runlet_collect_frames(struct runlet_collect* c, const void* const* frames, uint32_t count) {
  const struct runlet_model* model = c->model;
  uint32_t at = (uint32_t)(c->frames % c->kept_ticks);
  for (uint32_t n = 0; n < count; n++) {
    uint8_t* to = c->kept + (size_t)at * c->tick_bytes;
    for (uint32_t i = 0; i < model->input_count; i++) {
      size_t frame = model->frame_bytes[i];
      memcpy(to, (const uint8_t*)frames[i] + n * frame, frame);
      to += frame;
    }
    at = at + 1 < c->kept_ticks ? at + 1 : 0;
  }
  c->frames += count;
  c->since_reset += count;
}

void runlet_collect_reset(struct runlet_collect* c) { c->since_reset = 0; }

/* ---- the choice ---- */

static int32_t value_at(const struct runlet_port* port, uint32_t i) {
  if (port->type != RUNLET_INT16) return (int8_t)port->at[i];
  int16_t value;
  memcpy(&value, port->at + 2 * (size_t)i, sizeof value);
  return value;
}

double runlet_margin(const struct runlet_port* output, double cutoff) {
  int32_t first = value_at(output, 0), second = INT32_MIN;
  if (output->elements == 1) {
    double distance = (double)output->scale * (first - output->zero_point) - cutoff;
    return distance < 0 ? -distance : distance;
  }
  for (uint32_t i = 1; i < output->elements; i++) {
    int32_t value = value_at(output, i);
    if (value > first) {
      second = first;
      first = value;
    } else if (value > second) {
      second = value;
    }
  }
  return (double)output->scale * (first - second);
}

/** Returns the bin of a margin: the exponent and two more bits of its float, for 2^-24 to 2^8. */
static uint32_t bin_of(double margin) {
  float value = (float)margin;
  uint32_t bits, lowest = (127 - 24) << 2;
  if (!(value > 0)) return 0;
  memcpy(&bits, &value, sizeof bits);
  bits >>= 21;
  if (bits < lowest) return 0;
  return bits - lowest < RUNLET_COLLECT_BINS ? bits - lowest : RUNLET_COLLECT_BINS - 1;
}

/** Returns the highest bin that passes. The fuller the budget, the more outputs pass. */
static uint32_t threshold(const struct runlet_collect* c) {
  double windows_per_output = (double)c->model->hop / (double)c->price, left;
  left = 2 * (double)c->budget / (double)c->most * windows_per_output * c->seen_in_all;
  for (uint32_t bin = 0; bin < RUNLET_COLLECT_BINS; bin++) {
    left -= c->seen[bin];
    if (left < 0) return bin;
  }
  return RUNLET_COLLECT_BINS - 1;
}

static void count_margin(struct runlet_collect* c, uint32_t bin) {
  c->seen[bin]++;
  c->seen_in_all++;
  if (c->seen_in_all < c->remembered) return;
  c->seen_in_all = 0;
  for (uint32_t i = 0; i < RUNLET_COLLECT_BINS; i++) {
    c->seen[i] /= 2;
    c->seen_in_all += c->seen[i];
  }
}

/** Writes the number of the first frame of the latest output's window. @return false if it is not kept */
static bool find_window(const struct runlet_collect* c, uint64_t* first) {
  const struct runlet_model* model = c->model;
  uint64_t reach = (uint64_t)model->window + model->delay;
  if (c->since_reset < reach) return false;
  /* the push may have gone on behind the output */
  *first = c->frames - (c->since_reset - reach) % model->hop - reach;
  return true;
}

bool runlet_collect_judge(struct runlet_collect* c, double margin) {
  if (!(margin >= 0)) return false;
  uint32_t bin = bin_of(margin);
  uint64_t first;
  c->margin = margin;
  c->outputs++;
  count_margin(c, bin);
  c->budget += c->frames - c->paid_at;
  if (c->budget > c->most) c->budget = c->most;
  c->paid_at = c->frames;
  if (c->outputs <= OBSERVED || c->budget < c->price || bin > threshold(c) || !find_window(c, &first)) return false;
  c->budget -= c->price;
  c->chosen++;
  return true;
}

/* ---- messages ---- */

static uint8_t* put(uint8_t* at, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) *at++ = (uint8_t)(value >> 8 * i);
  return at;
}

uint32_t runlet_collect_message(const struct runlet_collect* c, const struct runlet_collect_about* about, uint8_t* to, uint32_t bytes) {
  uint32_t window = c->model->window, name = (uint32_t)strlen(about->stream), offset = HEADER + ((name + 3) & ~3u);
  uint64_t length = offset + (uint64_t)window * c->tick_bytes, first;
  if (name > LONGEST_NAME || !find_window(c, &first)) return 0;
  for (uint32_t i = 0; i < about->output_count; i++) length += about->outputs[i].bytes;
  if (length > UINT32_MAX) return 0;
  if (length > bytes) return (uint32_t)length;
  float margin = (float)c->margin;
  uint32_t margin_bits;
  memcpy(&margin_bits, &margin, sizeof margin_bits);
  memset(to, 0, offset);
  to[0] = VERSION;
  to[1] = NUMBERED | IS_WINDOW | (about->time_us ? TIMED : 0);
  uint8_t* at = put(put(put(put(to + 2, offset, 2), name, 4), first, 8), about->time_us, 8);
  at = put(at, c->outputs - 1, 8);
  if (about->digest) memcpy(at, about->digest, 4);
  memcpy(put(at + 4, margin_bits, 4), about->stream, name);
  at = to + offset;
  for (uint32_t n = 0; n < window; n++, at += c->tick_bytes)
    memcpy(at, c->kept + (size_t)((first + n) % c->kept_ticks) * c->tick_bytes, c->tick_bytes);
  for (uint32_t i = 0; i < about->output_count; at += about->outputs[i++].bytes) memcpy(at, about->outputs[i].at, about->outputs[i].bytes);
  return (uint32_t)length;
}

void runlet_collect_line(const uint8_t* message, uint32_t count, void (*send)(void* context, const uint8_t* bytes, uint32_t count),
                         void* context) {
  uint8_t part[256];
  uint32_t filled = 1;
  const uint8_t end = 0;
  send(context, &end, 1);
  for (uint32_t i = 0; i < count; i++) {
    if (message[i]) part[filled++] = message[i];
    if (message[i] && filled < 255) continue;
    part[0] = (uint8_t)filled;
    send(context, part, filled);
    filled = 1;
  }
  part[0] = (uint8_t)filled;
  part[filled] = 0;
  send(context, part, filled + 1);
}
