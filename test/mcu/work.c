/*
 * Counts the steps of the C host's readers on files with any counts: the file's length must bound them.
 *
 *     work one FILE                     checks the file as it is
 *     work modules COUNT SEED FILE...   modules with changed counts, lengths and indices
 *     work images COUNT SEED FILE...    images with changed numbers
 *     work frames COUNT SEED FILE       requests of the serial line with changed numbers; FILE is an image
 *
 * Prints JSON: inputs, how often each code came up, the most steps per byte. Exits with 5 if an input takes
 * more steps than STEPS_A_BYTE and STEPS_IN_ALL allow. Each byte is read by some 40 walks (10 exports by two
 * sections each, the manifest's words, names), each of some 10 steps. A loop over a count of 2^32 without a
 * bound exceeds that by a factor of hundreds, for the largest file here.
 */
#include "../serial/nor.h"
#include "runlet-image.h"
#include "runlet-serial.h"
#include "runlet-sha256.h"
#include "steps.h"

enum { STEPS_A_BYTE = 1000, STEPS_IN_ALL = 100000, FILES = 8, KEYS = 2, CODES = 32, SECTOR = 1024 };

static struct file files[FILES];
static uint32_t file_count, seed, codes[CODES], most_a_byte, verified;
static uint32_t below(uint32_t n) { return next_random(&seed) % n; }

static void begin(uint32_t bytes) {
  steps = 0;
  verified = 0;
  steps_allowed = (uint64_t)STEPS_A_BYTE * bytes + STEPS_IN_ALL;
}
static void end(uint32_t bytes, int code) {
  steps_allowed = UINT64_MAX;
  uint32_t a_byte = (uint32_t)(steps / (bytes + 1));
  if (bytes >= 1000 && a_byte > most_a_byte) most_a_byte = a_byte;
  codes[code <= 0 && code > -CODES ? -code : CODES - 1]++;
}

/* ---- modules ---- */

static bool no_signature(void* context, const uint8_t key[32], const uint8_t* message, size_t count, const uint8_t signature[64]) {
  (void)context, (void)key, (void)message, (void)count, (void)signature;
  verified++;
  return false;
}
static const uint8_t keys[KEYS][32];
static const struct runlet_trust digests = {.sha256 = runlet_sha256_of}, signatures = {runlet_sha256_of, no_signature, keys, KEYS, NULL};

static const struct runlet_trust* const trusts[] = {NULL, &digests, &signatures};

/** Calls all readers of a module. */
static int check(const struct file* f, const void* weights, uint32_t weight_bytes, const struct runlet_trust* trust) {
  struct runlet_golden golden;
  uint32_t sequence;
  int code = runlet_check(f->at, f->bytes, weights, weight_bytes, NULL, trust);
  /* at most 4 sets of 8 signatures, each checked with each key */
  if (verified > 4 * 8 * KEYS) exit(6);
  if (f->bytes < 8) return code;
  runlet_golden_read(&golden, f->at, f->bytes);
  runlet_sequence_read(&sequence, f->at, f->bytes);
  runlet_may_sleep(f->at, f->bytes);
  return code;
}

/** Returns a count: small, around a power of two, or the largest. */
static uint32_t number(void) {
  uint32_t power = 1u << below(32);
  switch (below(4)) {
    case 0: return below(16);
    case 1: return power + below(3) - 1;
    case 2: return UINT32_MAX - below(3);
    default: return next_random(&seed);
  }
}

/** Writes a LEB128 number, sometimes longer than necessary. @return its bytes */
static uint32_t put(uint8_t* to, uint32_t value) {
  uint32_t n = 0, min_bytes = below(8) ? 1 : 5;
  do to[n] = (uint8_t)(value & 0x7f), value >>= 7, n++;
  while (value || n < min_bytes);
  for (uint32_t i = 0; i + 1 < n; i++) to[i] |= 0x80;
  return n;
}
static uint32_t get(const uint8_t* at, uint32_t* value) {
  uint32_t n = 0;
  *value = 0;
  do *value |= n < 5 ? (uint32_t)(at[n] & 0x7f) << 7 * n : 0;
  while (at[n++] >= 0x80 && n < 5);
  return n;
}

/**
 * Writes a section with another count at its beginning, or with other numbers in `places` places. Its length
 * is usually right. @return bytes written
 */
static uint32_t change_section(uint8_t* to, uint8_t kind, const uint8_t* body, uint32_t bytes, bool count, uint32_t places) {
  static uint8_t changed[1 << 20];
  uint32_t n = 0, at = 0, value;
  if (count && bytes) at += get(body, &value), n += put(changed, number());
  while (at < bytes) {
    if (places && below(bytes < 64 ? bytes : 64) < places) {
      at += get(body + at, &value);
      n += put(changed + n, number());
      places--;
    } else changed[n++] = body[at++];
  }
  *to = kind;
  uint32_t head = 1 + put(to + 1, below(16) ? n : number());
  memcpy(to + head, changed, n);
  return head + n;
}

/**
 * Kinds of sections that are changed together: the count of the first, and numbers in the second, which are
 * indices into the first.
 */
static const uint8_t pairs[][2] = {{3, 7}, {3, 7}, {6, 7}, {1, 3}, {1, 2}};

static void modules(uint32_t count) {
  static uint8_t made[1 << 20];
  for (uint32_t i = 0; i < count; i++) {
    const struct file* f = &files[below(file_count)];
    const uint8_t* pair = below(2) ? NULL : pairs[below(sizeof pairs / sizeof *pairs)];
    uint32_t n = 8, at = 8, bytes;
    memcpy(made, f->at, 8);
    while (at < f->bytes) {
      uint32_t from = at;
      uint8_t kind = f->at[at++];
      at += get(f->at + at, &bytes);
      at += bytes;
      const uint8_t* body = f->at + at - bytes;
      if (!pair) n += change_section(made + n, kind, body, bytes, kind && !below(4), below(4) ? 0 : 1 + below(3));
      else if (kind == pair[0] || kind == pair[1]) n += change_section(made + n, kind, body, bytes, kind == pair[0], kind == pair[1]);
      else memcpy(made + n, f->at + from, at - from), n += at - from;
    }
    if (!below(16)) n = below(n + 1);
    struct file exact = {malloc(n ? n : 1), n};
    memcpy(exact.at, made, n);
    begin(n);
    int code = check(&exact, NULL, 0, trusts[below(3)]);
    end(n, code);
    free(exact.at);
  }
}

/* ---- images ---- */

static void put_word(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static void images(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const struct file* f = &files[below(file_count)];
    uint32_t bytes = below(8) ? f->bytes : below(f->bytes + 1);
    uint8_t* at = aligned_alloc(16, (bytes + 15) / 16 * 16 + 16);
    memcpy(at, f->at, bytes);
    for (uint32_t n = 1 + below(3); n > 0 && bytes >= 80; n--) put_word(at + 4 * below(20), below(3) ? number() : below(f->bytes + 32));
    if (bytes >= 80 && below(8)) {
      memcpy(at, "RNLI", 4);
      put_word(at + 4, 1);
      put_word(at + 8, bytes);
      put_word(at + 12, runlet_crc32(0, at + 16, bytes - 16));
    }
    struct runlet_image image;
    begin(bytes);
    int code = runlet_image_read(&image, at, bytes);
    for (uint32_t k = 0; code == RUNLET_IMAGE_OK && k < 4; k++) {
      runlet_image_label(&image, number());
      runlet_image_cutoff(&image, number());
    }
    struct file module = {at + (code == RUNLET_IMAGE_OK ? image.module - at : 0), image.module_bytes};
    if (code == RUNLET_IMAGE_OK) check(&module, image.weights, image.weight_bytes, trusts[below(3)]);
    end(bytes, code);
    free(at);
  }
}

/* ---- frames ---- */

static void ignore(void* context, const uint8_t* bytes, uint32_t count) { (void)context, (void)bytes, (void)count; }

/** Sends a frame with its checksum. Special bytes are not escaped, so some frames are broken. */
static void send(struct runlet_serial* serial, uint8_t type, const uint8_t* payload, uint32_t count) {
  uint8_t raw[2048] = {0xc0, type, 0, 0, (uint8_t)count, (uint8_t)(count >> 8)};
  memcpy(raw + 6, payload, count);
  put_word(raw + 6 + count, runlet_crc32(0, raw + 1, 5 + count));
  raw[10 + count] = 0xc0;
  runlet_serial_take(serial, raw, 11 + count);
}

static void frames(uint32_t count) {
  static struct nor nor;
  static struct runlet_flash flash;
  struct runlet_serial serial = {.flash = &flash, .send = ignore};
  uint32_t slot = (files[0].bytes / SECTOR + 2) * SECTOR, all = nor_bytes(slot, SECTOR);
  uint8_t *memory = aligned_alloc(16, all), payload[1200], digest[32];
  memset(memory, 0xff, all);
  memcpy(memory, files[0].at, files[0].bytes);
  runlet_sha256_of(NULL, files[0].at, files[0].bytes, digest);
  nor_init(&nor, memory, slot, SECTOR);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t type = (uint8_t)(1 + below(9));
    bool piece = type == RUNLET_SERIAL_PIECE, first = type == RUNLET_SERIAL_BEGIN;
    uint32_t bytes = first ? 72 : piece ? 8 + 4 * below(256) : type >= RUNLET_SERIAL_END && type <= RUNLET_SERIAL_REVERT ? 32 : 4 * below(2);
    memset(payload, 0, sizeof payload);
    memcpy(payload + (first ? 8 : 0), digest, piece ? 4 : 32);
    if (first) put_word(payload, below(2) ? files[0].bytes : number());
    if (first || piece) put_word(payload + 4, below(2) ? flash.received : number());
    if (!below(64) && runlet_flash_start(&flash, &nor.device, NULL, NULL)) exit(3);
    if (!flash.device) continue;
    begin(all + bytes);
    send(&serial, type, payload, bytes);
    end(all + bytes, 0);
  }
  free(memory);
  if (nor.misuse) exit(4);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  bool one = !strcmp(argv[1], "one");
  if (!one) seed = (uint32_t)atol(argv[3]) * 2654435761u | 1;
  for (int i = one ? 2 : 4; i < argc && file_count < FILES; i++) files[file_count++] = read_file(argv[i]);
  uint32_t count = one ? 1 : (uint32_t)atol(argv[2]);
  for (int i = 0; one && i < 3; i++) {
    begin(files[0].bytes);
    end(files[0].bytes, check(&files[0], NULL, 0, trusts[i]));
  }
  if (one) count = 3;
  else if (!strcmp(argv[1], "modules")) modules(count);
  else if (!strcmp(argv[1], "images")) images(count);
  else frames(count);
  printf("{\"inputs\":%u,\"maxStepsAByte\":%u,\"codes\":{", count, most_a_byte);
  for (int i = 0, first = 1; i < CODES; i++)
    if (codes[i]) printf("%s\"%d\":%u", first ? "" : ",", -i, codes[i]), first = 0;
  printf("}}\n");
  return 0;
}
