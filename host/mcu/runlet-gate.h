/*
 * A cheap model wakes a dear one.  C99, no allocation; over WAMR (runlet.h) or plain C (`build --emit-c`).
 *
 * struct runlet_gate decides from the values of one model when another one runs. struct runlet_gated keeps
 * the frames of that other model while it sleeps. When an output is wanted, the model takes the kept frames
 * on which this output depends. The output equals byte for byte that of a model that never slept.
 * In: frames, and whether the output that is due is wanted.  Out: outputs, counts; codes of runlet.h.
 * Rule and counts: those of host/session/gate.ts and gated-stream.ts.
 * Memory: the kept frames, NAME_KEPT_BYTES or runlet_gated_bytes; `runlet inspect` shows the number.
 * Cost: a copy of each frame, and at a wake-up at most kept frames - hop further frames of the model.
 */
#ifndef RUNLET_GATE_H
#define RUNLET_GATE_H

#include <string.h>

#include "runlet.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The gate is open while the latest value passes the threshold, and for hold_frames after the latest value
 * that passed. Initialise it with the rule, such as {.threshold = 0.5, .hold_frames = 50}.
 */
struct runlet_gate {
  double threshold;     /* the value must be above this, in the output's real units */
  bool or_equal;        /* true: a value equal to the threshold passes too */
  uint64_t hold_frames; /* frames of any clock that both models share, such as rows or samples */

  /* private */
  bool passes, passed_before;
  uint64_t passed_at;
};

/**
 * Takes the next value of the model that decides, (float)(scale * (q - zero_point)). NAN never passes: while
 * that model sleeps itself, judge NAN for each of its outputs.
 * @param frame number of frames up to the end of that output
 */
void runlet_gate_judge(struct runlet_gate* gate, double value, uint64_t frame);

/** Returns true if the gate is open at `frame`, which is not before that of the latest value. */
bool runlet_gate_is_open(const struct runlet_gate* gate, uint64_t frame);

/** Closes the gate, for a new signal whose frames are counted from 0. */
void runlet_gate_reset(struct runlet_gate* gate);

/** Work since runlet_gated_init. Frames are ticks if the model has several inputs. */
struct runlet_gated_count {
  uint64_t wanted, unwanted; /* outputs that were wanted, and that were not */
  uint64_t frames_run;       /* frames that the model took; without a gate it takes all */
  uint64_t wake_ups;         /* times that an output was wanted after one that was not */
  uint64_t catch_up_frames;  /* frames taken at wake-ups, in addition to the hop of the wanted output */
  uint64_t longest_catch_up; /* largest number of such frames at one wake-up */
};

struct runlet_gated {
  struct runlet_gated_count count;
  /**
   * Set it after runlet_gated_init, or leave it NULL. Called for each output before a wanted one that the model
   * computes after a sleep, in order; `hops` is the distance to the wanted output. Read the output in the call.
   */
  void (*early)(void* context, uint32_t hops);
  void* context;

  /* private */
  const struct runlet_model* model;
  uint8_t* kept; /* of each input in turn: the latest kept_frames frames; frame n is at n modulo kept_frames */
  uint32_t kept_frames, pre_roll;
  uint64_t pushed; /* frames of the signal */
  uint64_t ran;    /* frames of the signal up to which the model ran */
  uint64_t next;   /* index of the next output */
  bool asleep;
  int failure; /* code of a call that failed, until runlet_gated_reset */
};

/**
 * Returns the number of frames that the model keeps: those on which an output and the `pre_roll` outputs
 * before it depend. 0 if the model's constants contradict each other, or if the number exceeds 32 bits.
 */
uint32_t runlet_gated_frames(const struct runlet_model* model, uint32_t pre_roll);

/** Returns the bytes of these frames, of all inputs; 0 in the same cases. */
uint32_t runlet_gated_bytes(const struct runlet_model* model, uint32_t pre_roll);

/**
 * Resets the model. After that only this struct calls it.
 * @param model must stay
 * @param pre_roll outputs before a wanted one that are computed too after a sleep: N - 1 for a detector with
 *   a window of N outputs, else 0; NAME_PRE_ROLL of plain C
 * @param memory at least runlet_gated_bytes bytes, which must stay
 * @return RUNLET_OK; RUNLET_CARRIES_STATE if the model cannot sleep; RUNLET_LAYOUT if its constants
 *   contradict each other; RUNLET_USE if an argument is NULL or `bytes` too small; an error of its reset
 */
int runlet_gated_init(struct runlet_gated* g, const struct runlet_model* model, uint32_t pre_roll, void* memory, uint32_t bytes);

/**
 * Takes `count` frames, 1 to hop, as runlet_push does. At most one output is due in them.
 * @param frames one address per input, not within the model's own inputs
 * @param wanted true: computes the output that is due in these frames, if there is one
 * @return RUNLET_DUE (the wanted output is computed), RUNLET_OK, RUNLET_USE or _FRAMES (nothing consumed),
 *   or an error of the model, which every push returns until runlet_gated_reset
 */
int runlet_gated_push(struct runlet_gated* g, const void* const* frames, uint32_t count, bool wanted);

/** Begins a new signal. The counts continue. @return RUNLET_OK, RUNLET_USE, or an error of its reset */
int runlet_gated_reset(struct runlet_gated* g);

/**
 * Defines `static const struct runlet_model name_model` from the header of a model in plain C. NAME is the
 * prefix of that header's macros: RUNLET_PLAIN_MODEL(kws, KWS);
 */
#define RUNLET_PLAIN_MODEL(name, NAME)                                                            \
  static int name##_model_push(void* context, const void* const* frames, uint32_t count) {        \
    static const uint32_t bytes[] = NAME##_FRAME_BYTES;                                           \
    (void)context;                                                                                \
    for (int i = 0; i < NAME##_INPUTS; i++) memcpy(name##_input(i), frames[i], bytes[i] * count); \
    int code = name##_push((int)count);                                                           \
    return code < 0 ? (int)RUNLET_ANSWER : code;                                                  \
  }                                                                                               \
  static int name##_model_reset(void* context) {                                                  \
    (void)context;                                                                                \
    name##_reset();                                                                               \
    return RUNLET_OK;                                                                             \
  }                                                                                               \
  static const struct runlet_model name##_model = {                                               \
      NAME##_HOP,       NAME##_WINDOW, NAME##_MICRO_HOP,   NAME##_WARM_UP,    NAME##_DELAY,       \
      NAME##_MAY_SLEEP, NAME##_INPUTS, NAME##_FRAME_BYTES, name##_model_push, name##_model_reset, NULL}

#ifdef __cplusplus
}
#endif
#endif
