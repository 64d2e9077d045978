/*
 * The component under ESPHome's own headers and microphone source, with a microphone that plays standard
 * input (int16 at 16 kHz). Prints each word and the sample at which it was heard. The argument is a number of
 * blocks that are played in the middle while the main loop stands still.
 */
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "runlet_wake_word.h"

namespace esphome {

// stand-ins for the platform, for one thread
Mutex::Mutex() {}
Mutex::~Mutex() {}
void Mutex::lock() {}
void Mutex::unlock() {}
uint32_t micros() { return 0; }
audio::AudioStreamInfo::AudioStreamInfo(uint8_t bits, uint8_t channels, uint32_t rate)
    : bits_per_sample_(bits), channels_(channels), sample_rate_(rate) {
  this->bytes_per_sample_ = bits / 8;
}
void Component::setup() {}
void Component::loop() {}
void Component::dump_config() {}
float Component::get_setup_priority() const { return 0; }
void Component::call_setup() {}
bool Component::can_proceed() { return true; }
void *callback_manager_grow(void *data, uint16_t size, uint16_t &capacity, size_t elem_size) {
  capacity = size + 1;
  void *grown = ::operator new(capacity * elem_size);
  if (size > 0)
    memcpy(grown, data, size * elem_size);
  ::operator delete(data);
  return grown;
}
void esp_log_printf_(int, const char *tag, int, const char *format, ...) {
  va_list list;
  va_start(list, format);
  printf("%s: ", tag);
  vprintf(format, list);
  putchar('\n');
  va_end(list);
}

class Player : public microphone::Microphone {
 public:
  Player() { this->audio_stream_info_ = audio::AudioStreamInfo(16, 1, 16000); }
  void start() override { this->state_ = microphone::STATE_RUNNING; }
  void stop() override { this->state_ = microphone::STATE_STOPPED; }
  /// Returns false at the end of the input.
  bool play(size_t samples) {
    std::vector<uint8_t> bytes(2 * samples);
    const size_t count = fread(bytes.data(), 2, samples, stdin);
    bytes.resize(2 * count);
    this->data_callbacks_.call(bytes);
    this->played_ += count;
    return count == samples;
  }
  size_t played_{0};
};

class Print : public Action<std::string> {
 public:
  explicit Print(Player *player) : player_(player) {}

 protected:
  void play(const std::string &word) override { printf("%s %zu\n", word.c_str(), this->player_->played_); }
  Player *player_;
};

}  // namespace esphome

int main(int argc, char **argv) {
  using namespace esphome;
  static Player player;
  static microphone::MicrophoneSource source(&player, 16, 1, false);
  static runlet_wake_word::RunletWakeWord component;
  source.add_channel(0);
  component.set_microphone_source(&source);
  static Automation<std::string> automation(component.get_trigger());
  automation.add_action(new Print(&player));
  component.setup();
  const int blocks_alone = argc > 1 ? atoi(argv[1]) : 0;
  for (int block = 0; player.play(160); block++) {
    if (block >= 1000 && block < 1000 + blocks_alone)
      continue;
    for (int i = 0; i < 4; i++)
      component.loop();
  }
}
