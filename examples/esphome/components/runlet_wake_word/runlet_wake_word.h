#pragma once

#include <vector>

#include "esphome/components/microphone/microphone_source.h"
#include "esphome/core/automation.h"
#include "esphome/core/component.h"
#include "esphome/core/helpers.h"

#include "listener.h"

namespace esphome::runlet_wake_word {

class RunletWakeWord : public Component {
 public:
  void setup() override;
  void loop() override;
  void dump_config() override;
  float get_setup_priority() const override { return setup_priority::AFTER_CONNECTION; }

  void set_microphone_source(microphone::MicrophoneSource *source) { this->source_ = source; }
  void set_probability_cutoff(float cutoff) { this->listener_.set_cutoff(cutoff); }
  Trigger<std::string> *get_trigger() { return &this->trigger_; }

 protected:
  /// Stores samples until the main loop takes them. Called by the microphone's task.
  void keep_(const std::vector<uint8_t> &bytes);
  /// Takes a hop from the waiting samples. Returns false if there is none.
  bool take_(int16_t *hop);

  /// Capacity of the buffer for the main loop: half a second of sound and a hop.
  static constexpr size_t MOST_WAITING = 8000 + WAKE_WORD_HOP;

  microphone::MicrophoneSource *source_{nullptr};
  Trigger<std::string> trigger_;
  Listener listener_;
  Mutex mutex_;
  int16_t waiting_[MOST_WAITING];
  size_t count_{0};
  bool lost_{false};
};

}  // namespace esphome::runlet_wake_word
