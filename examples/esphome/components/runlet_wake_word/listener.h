#pragma once
// Hears words in sound, without ESPHome: the model as C, and the rule that decides when a word was heard
// (docs/abi.md, "Detector").
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <strings.h>

#include "wake_word.h"

namespace esphome::runlet_wake_word {

#ifndef WAKE_WORD_DETECTOR_CUTOFF
#error "the model has no detector settings: build it with --cutoff and --sliding-window"
#endif
static_assert(WAKE_WORD_INPUT0_FRAME == 1 && WAKE_WORD_INPUTS == 1, "the model takes no sound: build it with --front-end");

/// A word that was heard; label is nullptr if there is none.
struct Heard {
  const char *label{nullptr};
  float probability{0};
};

class Listener {
 public:
  Listener() {
#ifdef WAKE_WORD_DETECTOR_CUTOFFS
    const float cutoffs[WAKE_WORD_LABELS] = WAKE_WORD_DETECTOR_CUTOFFS;
    memcpy(this->cutoffs_, cutoffs, sizeof cutoffs);
#else
    this->set_cutoff(WAKE_WORD_DETECTOR_CUTOFF);
#endif
  }

  /// Gives all words the same cutoff.
  void set_cutoff(float cutoff) {
    for (float &one : this->cutoffs_)
      one = cutoff;
  }

  /// Starts the sound, or restarts it after a gap.
  void reset() {
    wake_word_reset();
    this->forget_();
    memset(this->wait_ms_, 0, sizeof this->wait_ms_);
  }

  /// Pushes WAKE_WORD_HOP samples at 16 kHz. Returns the word that was heard.
  Heard push(const int16_t *samples) {
    memcpy(wake_word_input(0), samples, WAKE_WORD_HOP * sizeof *samples);
    if (wake_word_push(WAKE_WORD_HOP) != 1)
      return {};
    return this->judge_(wake_word_output(0));
  }

 protected:
  static constexpr double HOP_MS = 1000.0 * WAKE_WORD_HOP / WAKE_WORD_RATE_HZ;

  /// Returns true for the model's word or, if it has several labels, for every label that is not background.
  static bool is_word_(const char *label) {
#ifdef WAKE_WORD_DETECTOR_LABEL
    return strcmp(label, WAKE_WORD_DETECTOR_LABEL) == 0;
#else
    for (const char *nothing : {"silence", "unknown", "noise", "background"})
      if (strcasecmp(label, nothing) == 0)
        return false;
    return label[0] != '_' || label[strlen(label) - 1] != '_';
#endif
  }

  void forget_() { this->filled_ = this->next_ = 0; }

  Heard judge_(const int8_t *scores) {
    for (int i = 0; i < WAKE_WORD_LABELS; i++) {
      const float score = WAKE_WORD_OUTPUT0_SCALE * (scores[i] - WAKE_WORD_OUTPUT0_ZERO_POINT);
      this->recent_[i][this->next_] = score;
      if (score < this->cutoffs_[i] && this->wait_ms_[i] > 0)
        this->wait_ms_[i] = this->wait_ms_[i] > HOP_MS ? this->wait_ms_[i] - HOP_MS : 0;
    }
    this->next_ = (this->next_ + 1) % WAKE_WORD_DETECTOR_SLIDING_WINDOW;
    if (this->filled_ < WAKE_WORD_DETECTOR_SLIDING_WINDOW)
      this->filled_++;
    if (this->filled_ < WAKE_WORD_DETECTOR_SLIDING_WINDOW)
      return {};
    int best = -1;
    double best_mean = 0;
    for (int i = 0; i < WAKE_WORD_LABELS; i++) {
      double mean = 0;
      for (float score : this->recent_[i])
        mean += score;
      mean /= WAKE_WORD_DETECTOR_SLIDING_WINDOW;
      if (!is_word_(wake_word_labels[i]) || mean <= this->cutoffs_[i] || this->wait_ms_[i] > 0 || mean <= best_mean)
        continue;
      best = i;
      best_mean = mean;
    }
    if (best < 0)
      return {};
    this->forget_();
    this->wait_ms_[best] = WAKE_WORD_DETECTOR_REFRACTORY_MS;
    return {wake_word_labels[best], (float) best_mean};
  }

  float cutoffs_[WAKE_WORD_LABELS];
  float recent_[WAKE_WORD_LABELS][WAKE_WORD_DETECTOR_SLIDING_WINDOW];
  double wait_ms_[WAKE_WORD_LABELS]{};
  int filled_{0}, next_{0};
};

}  // namespace esphome::runlet_wake_word
