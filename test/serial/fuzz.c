/*
 * Fuzz test of the serial line: no crash, no write outside a slot, and only whole signed images become
 * active.
 *
 *     fuzz COUNT SEED KEY GOOD GOOD_TOO OLD UNSIGNED FOREIGN
 *
 * Prints JSON: inputs, answers by code, the number of staged and confirmed images, and errors.
 *
 * An input is raw bytes, a frame with changed bytes, a valid frame with random arguments, or a step of a
 * transfer of one of six images: GOOD (sequence number 3, written at the factory), GOOD_TOO (4) and OLD (2),
 * signed by KEY; an unsigned one; one signed by another key; and GOOD with a changed bit and corrected
 * checksums and digests. Transfers use any sequence number. Between inputs the device restarts, with
 * self-tests that pass or fail, and sometimes the power is cut.
 */
#include "crypto.h"
#include "nor.h"
#include "runlet-image.h"
#include "runlet-serial.h"
#include "runlet-sha256.h"

enum { SECTOR = 1024, IMAGES = 6, GOOD = 0, GOOD_TOO = 1, CHANGED = 5, GOOD_SEQUENCE = 3, CODES = 1 - RUNLET_FLASH_LAST };

static struct file images[IMAGES];
static const uint8_t sequences[IMAGES] = {GOOD_SEQUENCE, GOOD_SEQUENCE + 1, GOOD_SEQUENCE - 1, 5, 6, GOOD_SEQUENCE};
static uint8_t digests[IMAGES][32];
static struct nor nor;
static struct runlet_flash flash;
static struct runlet_serial serial;
static struct runlet_trust trust;
static uint8_t key[1][32], *memory, *kept;
static bool proven, was_proven; /* the self-test passed: since the latest start; at any time in this input */
static uint32_t seed, slot_bytes, wrong, answers, codes[CODES], broken, staged, tried, confirmed, starts, floor_before;

static void expect(bool good, const char* what) {
  if (!good && wrong++ < 5) fprintf(stderr, "%s\n", what);
}

static uint32_t below(uint32_t n) { return next_random(&seed) % n; }

static void answer(void* context, const uint8_t* bytes, uint32_t count) {
  (void)context;
  expect(count > 2 && bytes[0] == 0xc0 && bytes[count - 1] == 0xc0, "an answer without its delimiters");
  for (uint32_t i = 0; i < count; i++)
    expect((bytes[i] != 0xc0 || i == 0 || i == count - 1) && bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != 0x11 && bytes[i] != 0x13,
           "a byte that no frame has");
  answers++;
  if (bytes[1] == 0xff) {
    broken++;
    return;
  }
  /* the code; no code is an escaped byte */
  uint32_t at = 1;
  for (int i = 0; i < 5; i++) at += bytes[at] == 0xdb ? 2 : 1;
  int code = (int8_t)bytes[at];
  expect(code <= 0 && code >= RUNLET_FLASH_LAST, "an answer with no code");
  if (code <= 0 && code >= RUNLET_FLASH_LAST) codes[-code]++;
}

static void start(void) {
  expect(runlet_flash_start(&flash, &nor.device, NULL, &trust) == RUNLET_FLASH_OK, "no start");
  serial = (struct runlet_serial){.flash = &flash, .send = answer};
  starts++;
  proven = false;
  if (flash.running >= 0) kept = realloc(kept, slot_bytes), memcpy(kept, nor.device.mapped[flash.running], slot_bytes);
}

/** Sends a frame. @param change true to change one of its bytes */
static void frame(uint8_t type, const uint8_t* payload, uint32_t count, bool change) {
  static uint8_t raw[4096], sent[8200];
  raw[0] = type;
  raw[1] = (uint8_t)below(256);
  raw[2] = (uint8_t)below(256);
  raw[3] = (uint8_t)count;
  raw[4] = (uint8_t)(count >> 8);
  if (count) memcpy(raw + 5, payload, count);
  uint32_t crc = runlet_crc32(0, raw, 5 + count), n = 0;
  for (int i = 0; i < 4; i++) raw[5 + count + (uint32_t)i] = (uint8_t)(crc >> 8 * i);
  sent[n++] = 0xc0;
  for (uint32_t i = 0; i < count + 9; i++) {
    static const uint8_t from[6] = {0xc0, 0xdb, 0x11, 0x13, '\n', '\r'};
    uint8_t k = 0;
    while (k < 6 && from[k] != raw[i]) k++;
    if (k < 6) sent[n++] = 0xdb;
    sent[n++] = k < 6 ? (uint8_t)(0xdc + k) : raw[i];
  }
  sent[n++] = 0xc0;
  if (change) sent[below(n)] = (uint8_t)below(256);
  if (change && below(2)) n = below(n);
  uint32_t cut = below(n + 1);
  runlet_serial_take(&serial, sent, cut);
  runlet_serial_take(&serial, sent + cut, n - cut);
}

/** Begins a transfer with the digest of image `i` and the length of image `of`. */
static void begin(uint32_t i, uint32_t of, uint32_t sequence, bool change) {
  uint8_t payload[72] = {0};
  for (int k = 0; k < 4; k++) payload[k] = (uint8_t)(images[of].bytes >> 8 * k), payload[4 + k] = (uint8_t)(sequence >> 8 * k);
  memcpy(payload + 8, digests[i], 32);
  payload[40] = 'x';
  if (change) payload[below(72)] ^= (uint8_t)(1u << below(8));
  frame(RUNLET_SERIAL_BEGIN, payload, sizeof payload, false);
}

/** Sends bytes of image `of` as those of image `i`. */
static void piece(uint32_t i, uint32_t of, uint32_t at, uint32_t count, bool change) {
  static uint8_t payload[8 + RUNLET_SERIAL_DATA + 64];
  memcpy(payload, digests[i], 4);
  for (int k = 0; k < 4; k++) payload[4 + k] = (uint8_t)(at >> 8 * k);
  for (uint32_t k = 0; k < count; k++) payload[8 + k] = at + k < images[of].bytes ? images[of].at[at + k] : 0x55;
  if (change) payload[below(8 + count)] ^= (uint8_t)(1u << below(8));
  frame(RUNLET_SERIAL_PIECE, payload, 8 + count, false);
}

static void prove(bool good) {
  runlet_flash_prove(&flash, good);
  proven = good;
  was_proven |= good;
}

/** Makes a whole transfer with random errors. */
static void transfer(void) {
  uint32_t i = below(3) ? below(2) : below(IMAGES), bad = below(6) ? UINT32_MAX : below(images[i].bytes / 1000 + 1), n = 0;
  uint32_t of = below(8) ? i : below(IMAGES);
  begin(i, of, below(8) ? (uint32_t)sequences[i] : flash.record.floor + below(3), below(20) == 0);
  for (uint32_t at = runlet_flash_received(&flash, digests[i], 32); at < images[of].bytes; n++) {
    uint32_t count = images[of].bytes - at < 1000 ? images[of].bytes - at : 1000;
    piece(i, of, at, count, n == bad);
    at += count;
  }
  frame(RUNLET_SERIAL_END, digests[i], 32, false);
  if (below(3)) frame(RUNLET_SERIAL_TRY, digests[i], 32, false);
  if (below(2) && !nor_dead(&nor)) start();
  if (below(4)) prove(below(4) != 0);
  if (below(4)) frame((uint8_t)(RUNLET_SERIAL_CONFIRM + (below(4) == 0)), digests[i], 32, false);
}

static void input(void) {
  uint8_t bytes[1200];
  uint32_t kind = below(64), i = below(IMAGES), count = below(below(8) ? 64 : sizeof bytes);
  for (uint32_t k = 0; k < count; k++) bytes[k] = (uint8_t)(below(4) ? next_random(&seed) >> 8 : below(2) ? 0xc0 : 0xdb);
  if (kind < 16) runlet_serial_take(&serial, bytes, count);
  else if (kind < 32) frame((uint8_t)below(12), bytes, count, true);
  else if (kind < 44) frame((uint8_t)below(256), bytes, count, false);
  else if (kind < 48) begin(i, i, below(4) ? flash.record.floor + below(3) : next_random(&seed), below(2));
  else if (kind < 54) piece(i, i, below(4) ? runlet_flash_received(&flash, digests[i], 32) : below(images[i].bytes + 8), 1 + below(RUNLET_SERIAL_DATA), below(8) == 0);
  else if (kind < 62) frame((uint8_t)(RUNLET_SERIAL_END + below(4)), digests[i], 32, below(8) == 0);
  else if (kind == 62) {
    if (below(3) == 0) nor.operations = 0, nor.cut = 1 + below(20), transfer(), nor.cut = 0, start();
    else start();
  } else
    transfer();
  if (below(50) == 0) prove(below(3) != 0);
}

static bool holds(int slot, int image) { return !memcmp(nor.device.mapped[slot], images[image].at, images[image].bytes); }

/** Checks what must hold at any time. */
static void look(void) {
  static uint32_t before[2];
  expect(flash.record.floor >= floor_before, "the floor fell");
  expect(flash.record.floor == GOOD_SEQUENCE || flash.record.floor == GOOD_SEQUENCE + 1, "a floor that no signed image has");
  floor_before = flash.record.floor;
  expect(flash.running >= 0, "nothing runs");
  if (flash.running >= 0) expect(!memcmp(kept, nor.device.mapped[flash.running], slot_bytes), "the slot that runs was written");
  for (int slot = 0; slot < 2; slot++) {
    const struct runlet_flash_slot* s = &flash.record.slots[slot];
    uint32_t state = s->state;
    bool active = state >= RUNLET_FLASH_STAGED && state <= RUNLET_FLASH_CONFIRMED;
    if (state != before[slot]) {
      staged += state == RUNLET_FLASH_STAGED;
      tried += state == RUNLET_FLASH_TRYING;
      confirmed += state == RUNLET_FLASH_CONFIRMED;
      before[slot] = state;
      expect(!active || holds(slot, GOOD) || holds(slot, GOOD_TOO), "another image is active");
      uint8_t digest[32];
      if (active) crypto_sha256(NULL, nor.device.mapped[slot], s->bytes, digest);
      expect(!active || !memcmp(digest, s->digest, 32), "an image is active that is not the one that was begun");
      expect(state != RUNLET_FLASH_CONFIRMED || was_proven, "confirmed without its self-test");
    }
  }
}

/** Writes GOOD into a flash without a record, as another tool does. */
static void factory(void) {
  memset(memory, 0xff, nor_bytes(slot_bytes, SECTOR));
  memcpy(memory, images[GOOD].at, images[GOOD].bytes);
}

/** Returns the good image with a changed bit in its module and a right checksum. */
static struct file changed(void) {
  struct file f = {malloc(images[GOOD].bytes), images[GOOD].bytes};
  struct runlet_image image;
  memcpy(f.at, images[GOOD].at, f.bytes);
  uint8_t* aligned = aligned_alloc(16, (f.bytes + 15) / 16 * 16);
  memcpy(aligned, f.at, f.bytes);
  if (runlet_image_read(&image, aligned, f.bytes)) exit(2);
  f.at[(size_t)(image.module - aligned) + image.module_bytes / 2] ^= 1;
  free(aligned);
  uint32_t crc = runlet_crc32(0, f.at + 16, f.bytes - 16);
  for (int i = 0; i < 4; i++) f.at[12 + i] = (uint8_t)(crc >> 8 * i);
  return f;
}

int main(int argc, char** argv) {
  if (argc != 4 + CHANGED) return 2;
  uint32_t count = (uint32_t)atol(argv[1]), most = 0;
  seed = (uint32_t)atol(argv[2]) * 2654435761u | 1;
  for (int k = 0; k < 32; k++) {
    unsigned byte = 0;
    sscanf(argv[3] + 2 * k, "%2x", &byte);
    key[0][k] = (uint8_t)byte;
  }
  trust = (struct runlet_trust){crypto_sha256, crypto_verify, (const uint8_t(*)[32])key, 1, NULL};
  for (int i = 0; i < CHANGED; i++) images[i] = read_file(argv[4 + i]);
  images[CHANGED] = changed();
  for (int i = 0; i < IMAGES; i++) {
    crypto_sha256(NULL, images[i].at, images[i].bytes, digests[i]);
    if (images[i].bytes > most) most = images[i].bytes;
  }
  slot_bytes = (most / SECTOR + 2) * SECTOR;
  memory = aligned_alloc(16, nor_bytes(slot_bytes, SECTOR));
  factory();
  nor_init(&nor, memory, slot_bytes, SECTOR);
  start();
  for (uint32_t n = 0; n < count; n++) {
    was_proven = proven;
    input();
    look();
    /* the newest image is confirmed and no other can follow, so the device returns to its factory state */
    if (flash.record.floor > GOOD_SEQUENCE && below(64) == 0) {
      factory();
      floor_before = 0;
      start();
    }
  }
  expect(nor.misuse == 0, "flash outside of an area");
  printf("{\"inputs\":%u,\"answers\":%u,\"broken\":%u,\"starts\":%u,\"staged\":%u,\"tried\":%u,\"confirmed\":%u,\"wrong\":%u,\"codes\":{", count, answers,
         broken, starts, staged, tried, confirmed, wrong);
  for (int i = 0, first = 1; i < CODES; i++)
    if (codes[i]) printf("%s\"%d\":%u", first ? "" : ",", -i, codes[i]), first = 0;
  printf("}}\n");
  free(images[CHANGED].at);
  free(memory);
  free(kept);
  return 0;
}
