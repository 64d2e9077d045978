/* Runs only the component's listener: reads int16 at 16 kHz from standard input, prints each word and its
   sample. */
#include <cstdio>

#include "listener.h"

int main() {
  static esphome::runlet_wake_word::Listener listener;
  static int16_t hop[WAKE_WORD_HOP];
  listener.reset();
  for (size_t played = 0; fread(hop, sizeof *hop, WAKE_WORD_HOP, stdin) == WAKE_WORD_HOP;) {
    played += WAKE_WORD_HOP;
    const esphome::runlet_wake_word::Heard heard = listener.push(hop);
    if (heard.label != nullptr)
      printf("%s %zu\n", heard.label, played);
  }
}
