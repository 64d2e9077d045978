/* The console of console.h, by esp_console on the project's console port. */
#include "console.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_console.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "model.h"
#include "receive.h"

static SemaphoreHandle_t lock;
static struct published latest;
static bool reset_wanted;

void console_publish(const struct published* now) {
  xSemaphoreTake(lock, portMAX_DELAY);
  latest = *now;
  xSemaphoreGive(lock);
}

bool console_wants_reset(void) { return __atomic_exchange_n(&reset_wanted, false, __ATOMIC_ACQ_REL); }

static struct published* take(void) {
  static struct published copy;
  xSemaphoreTake(lock, portMAX_DELAY);
  copy = latest;
  xSemaphoreGive(lock);
  return &copy;
}

static int status(int count, char** args) {
  (void)count;
  (void)args;
  const struct published* now = take();
  printf("%s\n", now->running ? now->status : "no model runs: see `model`");
  return 0;
}

static int stats(int count, char** args) {
  (void)count;
  (void)args;
  const struct published* now = take();
  struct runlet_image image;
  if (!now->running || model_read(now->slot, &image)) return status(0, NULL);
  const struct inference_counts* c = &now->counts;
  printf("hops %" PRIu32 ", outputs %" PRIu32 ", heard %" PRIu32 ", last hop %" PRIu32 " us\n", c->hops, c->outputs, c->heard, c->last_us);
  printf("frames %" PRIu64 ": lost %" PRIu64 ", discarded %" PRIu64 ", gaps %" PRIu32 "\n", c->frames, c->lost, c->given_up, c->gaps);
  for (uint32_t i = 0; i < now->elements; i++) {
    double cutoff = runlet_image_cutoff(&image, i);
    printf("  %-16s %8.4f", runlet_image_label(&image, i), (double)now->values[i]);
    if (cutoff <= 1) printf("  mean %.4f, cutoff %.4f", now->means[i], cutoff);
    printf("%s%s\n", *image.unit ? " " : "", image.unit);
  }
  return 0;
}

static int reset(int count, char** args) {
  (void)count;
  (void)args;
  __atomic_store_n(&reset_wanted, true, __ATOMIC_RELEASE);
  printf("all frames discarded\n");
  return 0;
}

static int use(int slot) {
  struct runlet_flash* f = model_take();
  int code = runlet_flash_use(f, slot), detail = f->detail;
  model_give();
  if (code) {
    printf("slot %d cannot be used: %s (%d)\n", slot, runlet_flash_text(code), detail);
    return 1;
  }
  printf("using slot %d from now on; restarting\n", slot);
  esp_restart();
}

static int model(int count, char** args) {
  if (count == 3 && !strcmp(args[1], "use")) return use(atoi(args[2]));
  struct runlet_flash* f = model_take();
  for (int slot = 0; slot < MODEL_SLOTS; slot++) {
    struct runlet_image image;
    const struct runlet_flash_slot* s = &f->record.slots[slot];
    int code = model_read(slot, &image);
    printf("%c %d  %-9s  sequence %" PRIu32 "  ", f->running == slot ? '*' : ' ', slot, runlet_flash_state_text(s->state), s->sequence);
    if (code) printf("%s\n", code > 0 ? "there is no such partition" : runlet_image_text(code));
    else
      printf("%s: image %" PRIu32 ", module %" PRIu32 ", separate weights %" PRIu32 "\n", image.name, image.bytes, image.module_bytes,
             image.weight_bytes);
  }
  model_give();
  return 0;
}

void console_start(void) {
  static StaticSemaphore_t memory;
  lock = xSemaphoreCreateMutexStatic(&memory);
  esp_console_repl_t* repl = NULL;
  esp_console_repl_config_t config = ESP_CONSOLE_REPL_CONFIG_DEFAULT();
  config.prompt = "runlet>";
  /* this task verifies received models: Ed25519 needs about 4 KB of locals */
  config.task_stack_size = 12288;
  /* above inference: received bytes must not wait in the port's small buffer for the end of a hop */
  config.task_priority = CONSOLE_PRIORITY;
#if CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG
  esp_console_dev_usb_serial_jtag_config_t device = ESP_CONSOLE_DEV_USB_SERIAL_JTAG_CONFIG_DEFAULT();
  ESP_ERROR_CHECK(esp_console_new_repl_usb_serial_jtag(&device, &config, &repl));
#elif CONFIG_ESP_CONSOLE_USB_CDC
  esp_console_dev_usb_cdc_config_t device = ESP_CONSOLE_DEV_CDC_CONFIG_DEFAULT();
  ESP_ERROR_CHECK(esp_console_new_repl_usb_cdc(&device, &config, &repl));
#else
  esp_console_dev_uart_config_t device = ESP_CONSOLE_DEV_UART_CONFIG_DEFAULT();
  ESP_ERROR_CHECK(esp_console_new_repl_uart(&device, &config, &repl));
#endif
  const esp_console_cmd_t commands[] = {
      {.command = "status", .help = "the latest heartbeat: timing, memory, overruns", .func = status},
      {.command = "stats", .help = "counts, and the latest output", .func = stats},
      {.command = "reset", .help = "discard all frames", .func = reset},
      {.command = "flash", .help = "receive a model from `runlet flash --to serial:PORT`", .func = receive_command},
      {.command = "model", .help = "list the slots; `model use N` restarts with slot N", .hint = "[use N]", .func = model},
  };
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) ESP_ERROR_CHECK(esp_console_cmd_register(&commands[i]));
  ESP_ERROR_CHECK(esp_console_start_repl(repl));
}
