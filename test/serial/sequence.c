/*
 * Steps of a device with images of different sequence numbers.
 *
 *     sequence KEYS IMAGE... -- STEP...      prints a JSON line per step: code, running slot, floor
 *
 *     KEYS        1: images must be signed (any signature is accepted here); 0: development firmware
 *     write I     another tool writes image I into slot 0, over everything, and the device starts
 *     send I N    begin under the number N, all pieces, end
 *     run I       try, a start, and a self-test that passes
 *     confirm I
 *     use S       a person at the console selects slot S; the device starts if necessary
 */
#include "nor.h"
#include "runlet-sha256.h"

enum { SECTOR = 1024, IMAGES = 8, PIECE = 512 };

static struct file images[IMAGES];
static uint8_t digests[IMAGES][32], *memory;
static struct nor nor;
static struct runlet_flash flash;
static uint32_t slot_bytes;
static const uint8_t keys[1][32];

static bool believes(void* context, const uint8_t key[32], const uint8_t* message, size_t count, const uint8_t signature[64]) {
  (void)context, (void)key, (void)message, (void)count, (void)signature;
  return true;
}
static struct runlet_trust trust = {runlet_sha256_of, believes, keys, 1, NULL};

static int start(void) {
  int code = runlet_flash_start(&flash, &nor.device, NULL, &trust);
  if (!code && flash.running >= 0) runlet_flash_prove(&flash, true);
  return code;
}

static int send(uint32_t i, uint32_t sequence) {
  int code = runlet_flash_begin(&flash, images[i].bytes, digests[i], sequence, "model");
  for (uint32_t at = runlet_flash_received(&flash, digests[i], 32); !code && at < images[i].bytes; at += PIECE)
    code = runlet_flash_data(&flash, digests[i], at, images[i].at + at, images[i].bytes - at < PIECE ? images[i].bytes - at : PIECE);
  return code ? code : runlet_flash_end(&flash, digests[i]);
}

static int step(const char* what, uint32_t i, uint32_t sequence) {
  int code = RUNLET_FLASH_USE;
  if (!strcmp(what, "write")) {
    memset(memory, 0xff, nor_bytes(slot_bytes, SECTOR));
    memcpy(memory, images[i].at, images[i].bytes);
    code = start();
  }
  if (!strcmp(what, "send")) code = send(i, sequence);
  if (!strcmp(what, "run")) code = runlet_flash_try(&flash, digests[i]);
  if (!strcmp(what, "confirm")) code = runlet_flash_confirm(&flash, digests[i]);
  if (!strcmp(what, "use")) code = runlet_flash_use(&flash, (int)i);
  return code || !flash.restart ? code : start();
}

int main(int argc, char** argv) {
  uint32_t count = 0, most = 0;
  int at = 2;
  if (argc < 5) return 2;
  if (!strcmp(argv[1], "0")) trust = (struct runlet_trust){.sha256 = runlet_sha256_of};
  for (; at < argc && strcmp(argv[at], "--") && count < IMAGES; at++, count++) {
    images[count] = read_file(argv[at]);
    runlet_sha256_of(NULL, images[count].at, images[count].bytes, digests[count]);
    if (images[count].bytes > most) most = images[count].bytes;
  }
  slot_bytes = (most / SECTOR + 1) * SECTOR;
  memory = aligned_alloc(16, nor_bytes(slot_bytes, SECTOR));
  nor_init(&nor, memory, slot_bytes, SECTOR);
  for (at++; at < argc; at++) {
    char what[16] = "";
    uint32_t i = 0, sequence = 0;
    sscanf(argv[at], "%15s %u %u", what, &i, &sequence);
    int code = step(what, i, sequence);
    printf("{\"code\":%d,\"running\":%d,\"floor\":%u}\n", code, flash.running, flash.record.floor);
  }
  free(memory);
  return nor.misuse ? 4 : 0;
}
