/*
 * A device on a pseudo-terminal: a console, the command `flash`, two slots in a file, and the C host on WAMR.
 *
 *     device FLASH SLOT_BYTES name=value...      prints the path of its port; ends with its standard input
 *
 *     drop=, repeat=, change=     bytes per million that are lost, repeated or changed, in both directions
 *     log=1                       lines of a log between its answers, and inside some of them
 *     data=N                      bytes of an image in one frame
 *     key=HEX                     modules must be signed by this key
 *     bad=1                       its self-test always fails
 *     seed=N
 *
 * It starts like host/mcu/esp32/main: runlet_flash_start chooses the slot, the bundle is opened and tested,
 * then the console runs. `try`, and `revert` of the running image, restart it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "crypto.h"
#include "nor.h"
#include "runlet-image.h"
#include "runlet-serial.h"
#include "runlet-sha256.h"

enum { SECTOR = 4096, POOL = 1 << 20, MODULE = 1 << 20 };

static uint64_t pool[POOL / 8];
static uint8_t module[MODULE], key[1][32];
static char words[128], line[64];
static struct nor nor;
static struct runlet_flash flash;
static struct runlet_serial serial;
static struct runlet bundle;
static struct runlet_trust trust;
static uint32_t drop, repeat, change, logs, bad, starts, seed = 1, line_bytes;
static int port;
static bool listening;

static bool happens(uint32_t of_a_million) { return of_a_million && next_random(&seed) % 1000000 < of_a_million; }

/** Applies the faults of the line. `to` has room for twice the bytes. */
static uint32_t fault(const uint8_t* from, uint32_t count, uint8_t* to) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (happens(drop)) continue;
    uint8_t byte = from[i];
    if (happens(change)) byte ^= (uint8_t)(1u << next_random(&seed) % 8);
    to[n++] = byte;
    if (happens(repeat)) to[n++] = byte;
  }
  return n;
}

static void put(const uint8_t* bytes, uint32_t count) {
  static uint8_t out[8192];
  count = fault(bytes, count, out);
  for (uint32_t at = 0; at < count;) {
    ssize_t n = write(port, out + at, count - at);
    if (n < 0 && errno != EAGAIN && errno != EINTR) exit(3);
    if (n > 0) at += (uint32_t)n;
    else poll(&(struct pollfd){.fd = port, .events = POLLOUT}, 1, 100);
  }
}

static void print(const char* text) { put((const uint8_t*)text, (uint32_t)strlen(text)); }

static void log_line(void) {
  char text[160];
  static uint32_t n;
  snprintf(text, sizeof text, "I (%u) runlet: heard Okay Nabu 0.98%u at 14.270 s, 21 \xc2\xb0" "C\r\n", 1000 + n * 7, n % 10);
  n++;
  print(text);
}

static void answer(void* context, const uint8_t* bytes, uint32_t count) {
  (void)context;
  if (logs && next_random(&seed) % 4 == 0) log_line();
  /* as if a panic handler or another core wrote without the lock of stdout */
  if (logs && next_random(&seed) % 16 == 0) {
    put(bytes, count / 2);
    log_line();
    put(bytes + count / 2, count - count / 2);
  } else
    put(bytes, count);
}

/** Starts the image of the running slot, if there is one. */
static void start(void) {
  char text[200];
  struct runlet_image image;
  struct runlet_golden golden;
  struct runlet_options options = {.trust = trust.sha256 ? &trust : NULL, .words = words, .words_bytes = sizeof words, .instructions = 10000000};
  runlet_close(&bundle);
  if (starts++) runlet_stop();
  must(runlet_start(pool, sizeof pool), "WAMR", "");
  if (runlet_flash_start(&flash, &nor.device, NULL, options.trust) != RUNLET_FLASH_OK) exit(3);
  uint32_t frames = serial.data_bytes;
  memset(&serial, 0, sizeof serial);
  serial.flash = &flash;
  serial.send = answer;
  serial.data_bytes = frames;
  listening = false;
  int slot = flash.running, code = RUNLET_OK;
  if (slot >= 0) {
    if (runlet_image_read(&image, nor.device.mapped[slot], nor.device.slot_bytes) || image.module_bytes > sizeof module) exit(3);
    memcpy(module, image.module, image.module_bytes);
    code = runlet_golden_read(&golden, module, image.module_bytes);
    if (code >= 0) code = runlet_open(&bundle, module, image.module_bytes, image.weights, image.weight_bytes, &options);
    if (code >= 0) code = bad && flash.record.slots[slot].state == RUNLET_FLASH_TRYING ? RUNLET_GOLDEN : runlet_golden_run(&bundle, &golden);
    runlet_flash_prove(&flash, code == RUNLET_OK);
  }
  snprintf(text, sizeof text, "\r\nI (412) runlet: slot %d (%s), self-test %d: %s\r\nrunlet> ", slot,
           slot < 0 ? "none" : runlet_flash_state_text(flash.record.slots[slot].state), code, runlet_text(code));
  print(text);
  if (flash.restart) start();
}

static void take_line(void) {
  line[line_bytes] = 0;
  line_bytes = 0;
  if (!strcmp(line, "flash")) listening = true;
  print(listening ? "\r\nlistening for frames\r\n" : *line ? "\r\nUnrecognized command\r\nrunlet> " : "\r\nrunlet> ");
}

static void take(const uint8_t* bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (listening) {
      runlet_serial_take(&serial, bytes + i, 1);
      if (flash.restart) start();
      if (serial.left) serial.left = listening = false;
    } else if (bytes[i] == '\r' || bytes[i] == '\n')
      take_line();
    else if (line_bytes + 1 < sizeof line)
      line[line_bytes++] = (char)bytes[i];
  }
}

static uint32_t option(int argc, char** argv, const char* name) {
  for (int i = 3; i < argc; i++)
    if (!strncmp(argv[i], name, strlen(name)) && argv[i][strlen(name)] == '=') {
      const char* value = argv[i] + strlen(name) + 1;
      for (int k = 0; !strcmp(name, "key") && k < 32; k++) {
        unsigned byte = 0;
        sscanf(value + 2 * k, "%2x", &byte);
        key[0][k] = (uint8_t)byte;
      }
      return strcmp(name, "key") ? (uint32_t)atol(value) : 1;
    }
  return 0;
}

/** Maps the flash from a file, so that it survives the process. */
static uint8_t* open_flash(const char* path, uint32_t bytes) {
  int file = open(path, O_RDWR | O_CREAT, 0600);
  off_t before = file < 0 ? -1 : lseek(file, 0, SEEK_END);
  if (before < 0 || ftruncate(file, bytes)) exit(2);
  uint8_t* at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) exit(2);
  if (before < (off_t)bytes) memset(at + before, 0xff, bytes - (size_t)before);
  return at;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  uint32_t slot = (uint32_t)atol(argv[2]);
  nor_init(&nor, open_flash(argv[1], nor_bytes(slot, SECTOR)), slot, SECTOR);
  drop = option(argc, argv, "drop");
  repeat = option(argc, argv, "repeat");
  change = option(argc, argv, "change");
  logs = option(argc, argv, "log");
  bad = option(argc, argv, "bad");
  serial.data_bytes = option(argc, argv, "data");
  seed = (option(argc, argv, "seed") * 2654435761u) | 1;
  if (option(argc, argv, "key")) trust = (struct runlet_trust){crypto_sha256, crypto_verify, (const uint8_t(*)[32])key, 1, NULL};
  port = posix_openpt(O_RDWR | O_NOCTTY);
  if (port < 0 || grantpt(port) || unlockpt(port)) return 2;
  const char* path = ptsname(port);
  /* kept open, so that the port stays when its other end closes; without echo, until stty sets it */
  int held = path ? open(path, O_RDWR | O_NOCTTY) : -1;
  struct termios raw;
  if (held < 0 || tcgetattr(held, &raw)) return 2;
  cfmakeraw(&raw);
  tcsetattr(held, TCSANOW, &raw);
  fcntl(port, F_SETFL, O_NONBLOCK);
  printf("%s\n", path);
  fflush(stdout);
  start();
  for (;;) {
    static uint8_t raw_bytes[4096], bytes[8192];
    struct pollfd wait[2] = {{.fd = port, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    int ready = poll(wait, 2, 20);
    if (wait[1].revents && read(0, raw_bytes, sizeof raw_bytes) <= 0) return nor.misuse ? 4 : 0;
    if (!ready && logs && next_random(&seed) % 8 == 0) log_line();
    ssize_t n = wait[0].revents ? read(port, raw_bytes, sizeof raw_bytes) : 0;
    if (n > 0) take(bytes, fault(raw_bytes, (uint32_t)n, bytes));
  }
}
