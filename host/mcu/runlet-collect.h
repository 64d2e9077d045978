/*
 * Chooses windows of the signal that are worth a label, and writes them as messages for a gateway.  C99, no
 * allocation; over WAMR (runlet.h) or plain C (`build --emit-c`).
 *
 * An output is uncertain if its margin, the difference of its two largest values, is small. The threshold
 * follows the margins so far, so that about as many windows pass as the budget allows. The budget is a strict
 * bound as well.
 * In: frames, outputs.  Out: messages of docs/streams.md, for MQTT or, after runlet_collect_line, for a serial
 * line.
 * Memory: the latest window, delay and hop, runlet_collect_bytes; struct runlet_collect has about 620 bytes.
 * Cost: a copy of each frame; 128 additions per output.
 */
#ifndef RUNLET_COLLECT_H
#define RUNLET_COLLECT_H

#include "runlet.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RUNLET_COLLECT_BINS = 128 };

struct runlet_collect {
  /* read by the caller */
  uint64_t outputs, chosen; /* outputs that were judged; those of them that were chosen */
  double margin;            /* of the latest one */

  /* private */
  const struct runlet_model* model;
  uint8_t* kept; /* the latest kept_ticks ticks; tick n is at n modulo kept_ticks */
  uint32_t kept_ticks, tick_bytes;
  uint64_t frames, since_reset; /* frames so far; those after the latest reset */
  uint64_t paid_at;             /* frames up to which the budget has grown */
  uint64_t budget, price, most; /* in frames: what is left, what a window costs, the upper limit */
  uint64_t remembered;          /* outputs after which older ones count half */
  uint32_t seen[RUNLET_COLLECT_BINS], seen_in_all; /* outputs by margin, four bins for each factor of two */
};

/** Returns the bytes that the kept frames take; 0 if the model's constants contradict each other. */
uint32_t runlet_collect_bytes(const struct runlet_model* model);

/**
 * Begins with a budget of one window.
 * @param model must stay
 * @param windows at most this many windows are chosen in any span; a twelfth of them can be chosen at once
 * @param span_frames the span in frames, up to 2^48: for a day 86400 * frames per second
 * @param memory at least runlet_collect_bytes bytes, which must stay
 * @return RUNLET_OK; RUNLET_LAYOUT if the model's constants contradict each other; RUNLET_USE if an argument
 *   is NULL or out of range
 */
int runlet_collect_init(struct runlet_collect* c, const struct runlet_model* model, uint32_t windows, uint64_t span_frames, void* memory,
                        uint32_t bytes);

/** Keeps `count` frames, before or after the push that takes them. frames: as for runlet_push, not NULL. */
void runlet_collect_frames(struct runlet_collect* c, const void* const* frames, uint32_t count);

/** Tells that the model was reset: the next window begins with the next frame. The budget continues. */
void runlet_collect_reset(struct runlet_collect* c);

/**
 * Returns the margin of an output in real units: the difference of its two largest values; for one element
 * the distance to `cutoff`. With several outputs, take the smallest one.
 */
double runlet_margin(const struct runlet_port* output, double cutoff);

/**
 * Judges the output of the latest push, whose frames are kept. Call it once for each output.
 * @return true if its window is chosen: write its message before the next frames
 */
bool runlet_collect_judge(struct runlet_collect* c, double margin);

/** What the message says of the latest output. */
struct runlet_collect_about {
  const char* stream;                /* name of this device: up to 64 letters, digits, dots, dashes, underscores */
  const uint8_t* digest;             /* SHA-256 of the bundle; NULL if it is not known */
  const struct runlet_port* outputs; /* the model's outputs; at, bytes and output_count are read */
  uint32_t output_count;
  uint64_t time_us; /* since 1970; 0 if it is not known */
};

/**
 * Writes the latest window with its outputs as a message.
 * @return its length; if that is above `bytes`, nothing is written. 0 if the name is too long, or if a part
 *   of the window is missing
 */
uint32_t runlet_collect_message(const struct runlet_collect* c, const struct runlet_collect_about* about, uint8_t* to, uint32_t bytes);

/**
 * Sends a message over a serial line that the gateway reads with `--lines binary`: COBS between zeros, so
 * that the line may carry text too.
 */
void runlet_collect_line(const uint8_t* message, uint32_t count, void (*send)(void* context, const uint8_t* bytes, uint32_t count),
                         void* context);

#ifdef __cplusplus
}
#endif
#endif
