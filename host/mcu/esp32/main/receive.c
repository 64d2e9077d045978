/*
 * The command `flash` (receive.h), by runlet-serial.h.
 *
 * In: bytes of stdin, set to non-blocking meanwhile.  Out: answers on stdout, each written at once under its
 * lock, so that no log line splits an answer.
 */
#include "receive.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "model.h"
#include "runlet-serial.h"

static void send(void* context, const uint8_t* bytes, uint32_t count) {
  (void)context;
  fwrite(bytes, 1, count, stdout);
  fflush(stdout);
}

static struct runlet_serial serial;

int receive_command(int count, char** args) {
  (void)count;
  (void)args;
  int input = fileno(stdin), flags = fcntl(input, F_GETFL), quiet_ms = 0;
  fcntl(input, F_SETFL, flags | O_NONBLOCK);
  serial = (struct runlet_serial){.send = send, .data_bytes = CONFIG_RUNLET_FLASH_FRAME};
  printf("listening for frames\n");
  bool restart = false;
  while (!serial.left && !restart && quiet_ms < CONFIG_RUNLET_FLASH_QUIET_S * 1000) {
    uint8_t bytes[128];
    ssize_t got = read(input, bytes, sizeof bytes);
    if (got <= 0) {
      vTaskDelay(pdMS_TO_TICKS(1));
      quiet_ms++;
      continue;
    }
    uint32_t before = serial.frames;
    serial.flash = model_take();
    runlet_serial_take(&serial, bytes, (uint32_t)got);
    restart = serial.flash->restart;
    model_give();
    if (serial.frames != before) quiet_ms = 0;
  }
  fcntl(input, F_SETFL, flags);
  if (restart) {
    /* lets the answer leave first */
    vTaskDelay(pdMS_TO_TICKS(100));
    esp_restart();
  }
  return 0;
}
