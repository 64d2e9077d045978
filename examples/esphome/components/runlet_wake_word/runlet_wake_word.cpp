#include "runlet_wake_word.h"

#include <cinttypes>

#include "esphome/core/log.h"

namespace esphome::runlet_wake_word {

static const char *const TAG = "runlet_wake_word";

void RunletWakeWord::setup() {
  this->listener_.reset();
  this->source_->add_data_callback([this](const std::vector<uint8_t> &bytes) { this->keep_(bytes); });
  this->source_->start();
}

void RunletWakeWord::dump_config() {
  ESP_LOGCONFIG(TAG, "Runlet wake word: %d bytes of flash, %d of RAM; hears:", WAKE_WORD_FLASH_BYTES, WAKE_WORD_RAM_BYTES);
  for (const char *label : wake_word_labels)
    ESP_LOGCONFIG(TAG, "  %s", label);
}

void RunletWakeWord::keep_(const std::vector<uint8_t> &bytes) {
  const size_t samples = bytes.size() / sizeof(int16_t);
  LockGuard lock(this->mutex_);
  if (this->count_ + samples > MOST_WAITING) {
    this->lost_ = true;
    return;
  }
  memcpy(this->waiting_ + this->count_, bytes.data(), samples * sizeof(int16_t));
  this->count_ += samples;
}

bool RunletWakeWord::take_(int16_t *hop) {
  LockGuard lock(this->mutex_);
  if (this->lost_) {
    // the model must not hear the sound on both sides of a gap as neighbours
    ESP_LOGW(TAG, "sound was lost: the main loop is too slow");
    this->listener_.reset();
    this->count_ = 0;
    this->lost_ = false;
  }
  if (this->count_ < WAKE_WORD_HOP)
    return false;
  memcpy(hop, this->waiting_, WAKE_WORD_HOP * sizeof(int16_t));
  this->count_ -= WAKE_WORD_HOP;
  memmove(this->waiting_, this->waiting_ + WAKE_WORD_HOP, this->count_ * sizeof(int16_t));
  return true;
}

void RunletWakeWord::loop() {
  static int16_t hop[WAKE_WORD_HOP];
  if (!this->take_(hop))
    return;
  const uint32_t began = micros();
  const Heard heard = this->listener_.push(hop);
  ESP_LOGVV(TAG, "a hop of %d samples took %" PRIu32 " us", WAKE_WORD_HOP, micros() - began);
  if (heard.label == nullptr)
    return;
  ESP_LOGD(TAG, "%s, %.2f", heard.label, heard.probability);
  this->trigger_.trigger(heard.label);
}

}  // namespace esphome::runlet_wake_word
