/*
 * Runs the loop of the ESP-IDF project over a real WAMR, with frames from a file in place of a sensor.
 *
 *     listen IMAGE FRAMES BLOCK CAPACITY STALL_AT STALL_FRAMES [MISS_AT MISS_FRAMES]
 *
 * Puts BLOCK frames at a time into a queue of CAPACITY frames and runs the loop after each block. At frame
 * STALL_AT the loop stops until STALL_FRAMES more frames have come. From frame MISS_AT on the sensor misses
 * MISS_FRAMES; both are whole blocks. Prints JSON lines for outputs, words and gaps, and the final heartbeat.
 */
#include <inttypes.h>

#include "common.h"
#include "heartbeat.h"

/** WAMR's pool, static memory of the caller. */
static uint64_t pool[(1 << 20) / 8];

static uint64_t clock_us;
/** A clock by which every hop takes 1234 microseconds. */
static uint64_t now_us(void) { return clock_us += 1234; }

static void heard(const struct inference* i, const struct runlet_heard* word) {
  printf("{\"heard\":\"%s\",\"timeMs\":%.17g,\"mean\":%.17g}\n", runlet_image_label(i->image, word->element), word->time_ms, word->mean);
}

static void output(const struct inference* i, double time_ms) {
  printf("{\"timeMs\":%.17g,\"values\":[", time_ms);
  for (uint32_t k = 0; k < i->port->elements; k++) printf("%s%.9g", k ? "," : "", (double)i->values[k]);
  printf("]}\n");
}

static void gap(const struct inference* i, uint32_t frames) { printf("{\"gap\":%u,\"at\":%" PRIu64 "}\n", frames, i->counts.frames); }

int main(int count, char** args) {
  static struct inference_calls calls = {.now_us = now_us, .heard = heard, .output = output, .gap = gap};
  static struct runlet_image image;
  static struct runlet bundle;
  static struct runlet_queue queue;
  static struct runlet_detector detector;
  static struct inference inference;
  if (count != 7 && count != 9) return 2;
  struct file file = read_file(args[1]), frames = read_file(args[2]);
  uint32_t block = (uint32_t)atoi(args[3]), capacity = (uint32_t)atoi(args[4]), stall_at = (uint32_t)atoi(args[5]), stall = (uint32_t)atoi(args[6]);
  uint32_t miss_at = count == 9 ? (uint32_t)atoi(args[7]) : 0, miss = count == 9 ? (uint32_t)atoi(args[8]) : 0;
  void* flash = NULL;
  if (posix_memalign(&flash, 4096, file.bytes)) return 2;
  memcpy(flash, file.at, file.bytes);
  int code = runlet_image_read(&image, flash, file.bytes);
  if (code < 0) {
    fprintf(stderr, "%s\n", runlet_image_text(code));
    return 1;
  }
  uint8_t* module = malloc(image.module_bytes);
  memcpy(module, image.module, image.module_bytes);
  char words[128];
  struct runlet_options options = {.words = words, .words_bytes = sizeof words};
  must(runlet_start(pool, sizeof pool), "runlet_start", "");
  must(runlet_open(&bundle, module, image.module_bytes, image.weights, image.weight_bytes, &options), "runlet_open", words);
  uint32_t frame = bundle.inputs[0].bytes / bundle.hop, elements = inference_elements(&bundle, &image);
  void* waiting = malloc((size_t)frame * capacity);
  float* values = calloc(elements ? elements : 1, sizeof *values);
  uint32_t window_bytes = runlet_detector_bytes(&image);
  void* windows = malloc(window_bytes ? window_bytes : 8);
  bool detects = runlet_detector_init(&detector, &image, windows);
  bool fits = elements && runlet_queue_init(&queue, waiting, frame, capacity);
  if (!fits || !inference_init(&inference, &bundle, &image, &queue, detects ? &detector : NULL, values, &calls)) {
    fprintf(stderr, "image, module and queue do not fit each other\n");
    _Exit(3);
  }
  uint32_t all = frames.bytes / frame;
  for (uint32_t at = 0; at < all; at += block) {
    uint32_t n = all - at < block ? all - at : block;
    if (at >= miss_at && at < miss_at + miss) {
      runlet_queue_missed(&queue, n);
      continue;
    }
    runlet_queue_put(&queue, frames.at + (size_t)at * frame, n);
    if (stall && at >= stall_at && at < stall_at + stall) continue;
    while ((code = inference_step(&inference)) == INFERENCE_RAN) continue;
    must(code, "inference_step", words);
  }
  static struct heartbeat heartbeat;
  struct heartbeat_memory memory = {.pool_bytes = sizeof pool, .file_bytes = image.module_bytes, .heap_free = 1, .heap_least = 2, .stack_least = 3};
  runlet_pool(&memory.pool_used, &memory.pool_most);
  char text[448], small[16];
  struct heartbeat copy = heartbeat;
  size_t length = heartbeat_text(&copy, &inference, &memory, small, sizeof small);
  if (length != strlen(small) || length != sizeof small - 1) return 5;
  inference.counts.worst_us = 1234;
  length = heartbeat_text(&heartbeat, &inference, &memory, text, sizeof text);
  const struct inference_counts* c = &inference.counts;
  printf("{\"line\":\"%s\",\"length\":%u,\"frames\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"givenUp\":%" PRIu64 ",\"waiting\":%u}\n", text, (unsigned)length,
         c->frames, c->lost, c->given_up, runlet_queue_waiting(&queue));
  runlet_close(&bundle);
  runlet_stop();
  free(windows), free(values), free(waiting), free(module), free(flash), free(file.at), free(frames.at);
  return 0;
}
