/*
 * Runs a model on an ESP32.  In: a model image in flash, frames of a sensor.  Out: results on the console.
 *
 * Tasks: the sensor (microphone.c, accelerometer.c) fills a queue, the inference thread pushes its frames
 * into the module, and the console's task answers commands. The inference thread makes all calls of the C
 * host. It is a pthread, because WAMR identifies threads by pthread.
 * Memory: the pool, the module's file (WAMR's loader writes into it), the queue and the detector's windows
 * are allocated once, at the start.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "esp_heap_caps.h"
#include "esp_log.h"
#include "esp_pthread.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "heartbeat.h"
#include "model.h"
#include "sensor.h"
#include "trust.h"

static const char* tag = "runlet";

enum { INFERENCE_PRIORITY = 5 };

static struct {
  struct runlet_image image;
  struct runlet bundle;
  struct runlet_queue queue;
  struct runlet_detector detector;
  struct inference inference;
  struct heartbeat heartbeat;
  struct published published;
  char words[128];
} app;

static uint64_t now_us(void) { return (uint64_t)esp_timer_get_time(); }

static void heard(const struct inference* i, const struct runlet_heard* word) {
  uint32_t ms = (uint32_t)word->time_ms;
  printf("heard %s %.3f at %" PRIu32 ".%03" PRIu32 " s\n", runlet_image_label(i->image, word->element), word->mean, ms / 1000, ms % 1000);
}

static void output(const struct inference* i, double time_ms) {
  if (i->image->detects) return;
  uint32_t ms = (uint32_t)time_ms;
  printf("%" PRIu32 ".%03" PRIu32 " s", ms / 1000, ms % 1000);
  for (uint32_t k = 0; k < i->port->elements; k++) printf(" %.4g", (double)i->values[k]);
  printf("%s%s\n", *i->image->unit ? " " : "", i->image->unit);
}

static void gap(const struct inference* i, uint32_t frames) {
  (void)i;
  ESP_LOGW(tag, "%" PRIu32 " frames lost: the module is reset", frames);
}

static const struct inference_calls calls = {.now_us = now_us, .heard = heard, .output = output, .gap = gap};

/** Allocates memory at the start, which is never freed. Logs `what` it was for if there is none. */
static void* room(size_t bytes, const char* what) {
  void* at = heap_caps_aligned_alloc(8, bytes ? bytes : 8, MALLOC_CAP_8BIT);
  if (!at) ESP_LOGE(tag, "no %u bytes for %s; free %u", (unsigned)bytes, what, (unsigned)heap_caps_get_free_size(MALLOC_CAP_8BIT));
  return at;
}

/** Reads the image that runlet-flash.h chose at the start; logs the state of both slots if there is none. */
static bool read_model(void) {
  int slot = model_take()->running;
  model_give();
  app.published.slot = slot;
  if (slot >= 0 && model_read(slot, &app.image) == RUNLET_IMAGE_OK) return true;
  for (int n = 0; n < MODEL_SLOTS; n++) {
    int code = model_read(n, &app.image);
    const char* other = code ? "there is no such partition" : "its module is refused, or is not on trial";
    ESP_LOGW(tag, "slot %d: %s", n, code < 0 ? runlet_image_text(code) : other);
  }
  return false;
}

/** Checks whether the running image is on trial and not yet confirmed. */
static bool on_trial(void) {
  struct runlet_flash* f = model_take();
  bool trying = f->running >= 0 && f->record.slots[f->running].state == RUNLET_FLASH_TRYING;
  model_give();
  return trying;
}

static bool open_bundle(void) {
  uint32_t bytes = app.image.module_bytes;
  void* pool = room(CONFIG_RUNLET_POOL_BYTES, "WAMR's pool");
  uint8_t* file = room(bytes, "the module");
  if (!pool || !file) return false;
  memcpy(file, app.image.module, bytes);
  int code = runlet_start(pool, CONFIG_RUNLET_POOL_BYTES);
  struct runlet_options options = {.trust = trust(), .words = app.words, .words_bytes = sizeof app.words};
  struct runlet_golden golden;
  /* reads the self-test first, because WAMR's loader writes into the file */
  if (code >= 0) code = runlet_golden_read(&golden, file, bytes);
  if (code >= 0) code = runlet_open(&app.bundle, file, bytes, app.image.weights, app.image.weight_bytes, &options);
  if (code >= 0 && on_trial()) code = runlet_golden_run(&app.bundle, &golden);
  if (code >= 0) return true;
  ESP_LOGE(tag, "%s does not open (%d): %s. %s", app.image.name, code, runlet_text(code), app.words);
  return false;
}

/** Reports whether the model opened and passed its self-test. Restarts the device if that ends a trial. */
static void prove(bool good) {
  struct runlet_flash* f = model_take();
  runlet_flash_prove(f, good);
  bool restart = f->restart;
  model_give();
  if (!restart) return;
  ESP_LOGE(tag, "the model on trial failed or was not confirmed; restarting with the previous model");
  esp_restart();
}

/** Capacity of the queue in frames: a power of two, at least two hops and CONFIG_RUNLET_QUEUE_MS. */
static uint32_t queue_frames(void) {
  double min_frames = app.image.frame_rate * CONFIG_RUNLET_QUEUE_MS / 1000;
  uint32_t frames = 2;
  while ((frames < 2 * app.bundle.hop || frames < min_frames) && frames < 1u << 24) frames *= 2;
  return frames;
}

static bool start_inference(void) {
  uint32_t elements = inference_elements(&app.bundle, &app.image), frame = app.bundle.inputs[0].bytes / app.bundle.hop, frames = queue_frames();
  if (!elements || !sensor_fits(&app.bundle, app.image.frame_rate)) return false;
  void* memory = room((size_t)frame * frames, "the queue");
  float* values = room(elements * sizeof *values, "the output");
  void* windows = room(runlet_detector_bytes(&app.image), "the detector");
  if (!memory || !values || !windows || !runlet_queue_init(&app.queue, memory, frame, frames)) return false;
  bool detects = runlet_detector_init(&app.detector, &app.image, windows);
  app.published.elements = elements < CONSOLE_ELEMENTS ? elements : CONSOLE_ELEMENTS;
  return inference_init(&app.inference, &app.bundle, &app.image, &app.queue, detects ? &app.detector : NULL, values, &calls);
}

static void beat(char* to, size_t room_for) {
  struct heartbeat_memory memory = {
      .pool_bytes = CONFIG_RUNLET_POOL_BYTES,
      .file_bytes = app.image.module_bytes,
      .heap_free = heap_caps_get_free_size(MALLOC_CAP_8BIT),
      .heap_least = heap_caps_get_minimum_free_size(MALLOC_CAP_8BIT),
      .stack_least = uxTaskGetStackHighWaterMark(NULL),
  };
  runlet_pool(&memory.pool_used, &memory.pool_most);
  heartbeat_text(&app.heartbeat, &app.inference, &memory, to, room_for);
}

static void publish(void) {
  app.published.running = true;
  app.published.counts = app.inference.counts;
  for (uint32_t i = 0; i < app.published.elements; i++) {
    app.published.values[i] = app.inference.values[i];
    app.published.means[i] = app.inference.detector ? runlet_detector_mean(app.inference.detector, i) : 0;
  }
  console_publish(&app.published);
}

static void run(void) {
  const uint64_t period = (CONFIG_RUNLET_HEARTBEAT_S ? CONFIG_RUNLET_HEARTBEAT_S : 10) * UINT64_C(1000000);
  uint64_t next = now_us();
  for (;;) {
    if (console_wants_reset()) inference_forget(&app.inference);
    int code = inference_step(&app.inference);
    if (code < 0) {
      ESP_LOGE(tag, "hop %" PRIu32 " (%d): %s. %s", app.inference.counts.hops, code, runlet_text(code), app.words);
      inference_forget(&app.inference);
    }
    if (now_us() >= next) {
      if (now_us() > CONFIG_RUNLET_TRIAL_S * UINT64_C(1000000) && on_trial()) prove(false);
      next += period;
      beat(app.published.status, sizeof app.published.status);
      if (CONFIG_RUNLET_HEARTBEAT_S) printf("%s\n", app.published.status);
      publish();
    }
    if (code != INFERENCE_IDLE) publish();
    else ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(1000));
  }
}

static void* inference_thread(void* unused) {
  bool good = read_model() && open_bundle() && start_inference();
  prove(good);
  if (!good) return unused;
  ESP_LOGI(tag, "%s from slot %d: hop %" PRIu32 ", window %" PRIu32 " frames; %s", app.image.name, app.published.slot, app.bundle.hop,
           app.bundle.window, sensor_name());
  esp_err_t error = sensor_start(&app.queue, &app.bundle, app.image.frame_rate, xTaskGetCurrentTaskHandle());
  if (error != ESP_OK) {
    ESP_LOGE(tag, "the sensor does not start: %s", esp_err_to_name(error));
    return unused;
  }
  run();
  return unused;
}

void app_main(void) {
  if (!trust()->verify) ESP_LOGW(tag, "CONFIG_RUNLET_UNSIGNED: runs any model, unsigned or old; for development only");
  ESP_ERROR_CHECK(model_start());
  console_start();
  esp_pthread_cfg_t config = esp_pthread_get_default_config();
  config.stack_size = CONFIG_RUNLET_STACK_BYTES;
  config.prio = INFERENCE_PRIORITY;
  config.pin_to_core = portNUM_PROCESSORS - 1;
  config.thread_name = "inference";
  ESP_ERROR_CHECK(esp_pthread_set_cfg(&config));
  pthread_t thread;
  if (pthread_create(&thread, NULL, inference_thread, NULL) != 0) ESP_LOGE(tag, "no memory for the inference thread");
}
