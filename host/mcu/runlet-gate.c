/*
 * The gate and the gated stream of runlet-gate.h.
 *
 * Frames of the signal and indices of outputs are counted in 64 bits, which no device exceeds. Products of a
 * model's 32-bit constants fit 64 bits, and runlet_gated_frames bounds their sum.
 */
#include "runlet-gate.h"

/* ---- the gate ---- */

void runlet_gate_judge(struct runlet_gate* gate, double value, uint64_t frame) {
  gate->passes = value > gate->threshold || (gate->or_equal && value == gate->threshold);
  if (!gate->passes) return;
  gate->passed_before = true;
  gate->passed_at = frame;
}

bool runlet_gate_is_open(const struct runlet_gate* gate, uint64_t frame) {
  return gate->passes || (gate->passed_before && frame - gate->passed_at <= gate->hold_frames);
}

void runlet_gate_reset(struct runlet_gate* gate) {
  gate->passes = false;
  gate->passed_before = false;
}

/* ---- kept frames ---- */

/** Returns the smallest of three numbers, the first of 32 bits. */
static uint32_t smallest(uint32_t a, uint64_t b, uint32_t c) {
  uint32_t least = a < c ? a : c;
  return b < least ? (uint32_t)b : least;
}

/**
 * Frames between two places where a reset model computes the same rows: the least common multiple of hop and
 * micro-hop, both above 0.
 */
static uint64_t restart_frames(const struct runlet_model* model) {
  uint32_t a = model->hop, b = model->micro_hop;
  while (b) {
    uint32_t rest = a % b;
    a = b;
    b = rest;
  }
  return (uint64_t)(model->hop / a) * model->micro_hop;
}

uint32_t runlet_gated_frames(const struct runlet_model* model, uint32_t pre_roll) {
  if (!model || !model->hop || !model->micro_hop || !model->window) return 0;
  if (model->input_count < 1 || model->input_count > RUNLET_INPUTS) return 0;
  uint64_t hop = model->hop;
  uint64_t terms[] = {model->window, model->delay, model->warm_up * hop, pre_roll * hop, restart_frames(model) - hop}, sum = 0;
  for (uint32_t i = 0; i < sizeof terms / sizeof *terms; i++) {
    if (terms[i] > UINT32_MAX) return 0;
    sum += terms[i];
  }
  return sum <= UINT32_MAX ? (uint32_t)sum : 0;
}

uint32_t runlet_gated_bytes(const struct runlet_model* model, uint32_t pre_roll) {
  uint64_t frames = runlet_gated_frames(model, pre_roll), sum = 0;
  for (uint32_t i = 0; frames && i < model->input_count; i++) {
    sum += frames * model->frame_bytes[i];
    if (sum > UINT32_MAX) return 0;
  }
  return (uint32_t)sum;
}

/** Copies `count` frames, from `from` on, to place `at` of the ring. */
static void keep(struct runlet_gated* g, const void* const* frames, uint32_t from, uint32_t count, uint32_t at) {
  uint8_t* ring = g->kept;
  for (uint32_t i = 0; i < g->model->input_count; i++) {
    size_t frame = g->model->frame_bytes[i];
    memcpy(ring + at * frame, (const uint8_t*)frames[i] + from * frame, count * frame);
    ring += g->kept_frames * frame;
  }
}

/** Gives the model `count` frames from place `at` of the ring. @return the code of its push */
static int run(const struct runlet_gated* g, uint32_t at, uint32_t count) {
  const void* frames[RUNLET_INPUTS];
  const uint8_t* ring = g->kept;
  for (uint32_t i = 0; i < g->model->input_count; i++) {
    size_t frame = g->model->frame_bytes[i];
    frames[i] = ring + at * frame;
    ring += g->kept_frames * frame;
  }
  return g->model->push(g->model->context, frames, count);
}

/* ---- the stream ---- */

/** Counts a wanted output for which the model takes `frames` frames. */
static void counted(struct runlet_gated* g, uint64_t frames) {
  struct runlet_gated_count* count = &g->count;
  count->wanted++;
  count->frames_run += frames;
  if (!g->asleep) return;
  g->asleep = false;
  uint64_t more = frames > g->model->hop ? frames - g->model->hop : 0;
  count->wake_ups++;
  count->catch_up_frames += more;
  if (more > count->longest_catch_up) count->longest_catch_up = more;
}

/**
 * Resets the model if it slept for longer than output `index` and those before it reach back. It then begins
 * with the earliest frame on which they depend.
 */
static int wake(struct runlet_gated* g, uint64_t index) {
  const struct runlet_model* model = g->model;
  uint64_t before = (uint64_t)g->pre_roll + model->warm_up, restart = restart_frames(model);
  uint64_t start = index > before ? (index - before) * model->hop / restart * restart : 0;
  if (start <= g->ran) return RUNLET_OK;
  g->ran = start;
  return model->reset(model->context);
}

/** Computes output `index`, which is due, and after a sleep those before it. @return its code */
static int compute(struct runlet_gated* g, uint64_t index) {
  uint32_t hop = g->model->hop;
  int code = wake(g, index);
  if (code < 0) return code;
  counted(g, g->pushed - g->ran);
  while (g->ran < g->pushed) {
    uint32_t at = (uint32_t)(g->ran % g->kept_frames), count = smallest(hop, g->pushed - g->ran, g->kept_frames - at);
    code = run(g, at, count);
    if (code < 0) return code;
    g->ran += count;
    uint64_t left = g->pushed - g->ran;
    if (code == RUNLET_DUE && left && g->early) g->early(g->context, (uint32_t)((left + hop - 1) / hop));
  }
  return code == RUNLET_DUE ? RUNLET_DUE : RUNLET_ANSWER;
}

int runlet_gated_init(struct runlet_gated* g, const struct runlet_model* model, uint32_t pre_roll, void* memory, uint32_t bytes) {
  if (!g) return RUNLET_USE;
  memset(g, 0, sizeof *g);
  if (!model || !memory || !model->push || !model->reset) return RUNLET_USE;
  if (!model->may_sleep) return RUNLET_CARRIES_STATE;
  uint32_t needed = runlet_gated_bytes(model, pre_roll);
  if (!needed) return RUNLET_LAYOUT;
  if (bytes < needed) return RUNLET_USE;
  g->model = model;
  g->kept = (uint8_t*)memory;
  g->kept_frames = runlet_gated_frames(model, pre_roll);
  g->pre_roll = pre_roll;
  return runlet_gated_reset(g);
}

int runlet_gated_push(struct runlet_gated* g, const void* const* frames, uint32_t count, bool wanted) {
  if (!g || !g->model || !frames) return RUNLET_USE;
  if (g->failure) return g->failure;
  const struct runlet_model* model = g->model;
  if (count < 1 || count > model->hop) return RUNLET_FRAMES;
  for (uint32_t i = 0; i < model->input_count; i++)
    if (!frames[i]) return RUNLET_USE;
  int code = RUNLET_OK;
  for (uint32_t from = 0, take; from < count && code >= 0; from += take) {
    uint64_t due = g->next * model->hop + model->window + model->delay;
    uint32_t at = (uint32_t)(g->pushed % g->kept_frames);
    take = smallest(count - from, due - g->pushed, g->kept_frames - at);
    keep(g, frames, from, take, at);
    g->pushed += take;
    if (g->pushed < due) continue;
    if (wanted) code = compute(g, g->next);
    else {
      g->asleep = true;
      g->count.unwanted++;
    }
    g->next++;
  }
  if (code < 0) g->failure = code;
  return code;
}

int runlet_gated_reset(struct runlet_gated* g) {
  if (!g || !g->model) return RUNLET_USE;
  g->pushed = 0;
  g->ran = 0;
  g->next = g->model->warm_up;
  g->asleep = false;
  int code = g->model->reset(g->model->context);
  g->failure = code < 0 ? code : RUNLET_OK;
  return code;
}
