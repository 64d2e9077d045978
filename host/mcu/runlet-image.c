/*
 * The reader of model images (runlet-image.h).  Layout: assembly/bundle/image.ts, docs/esp32.md.
 *
 * In: any bytes.  Out: pointers into them, or a code.  Every offset and length is checked before it is used.
 */
#include "runlet-image.h"

#include <stddef.h>
#include <string.h>

enum {
  VERSION = 1,
  HEADER = 80,
  ALIGNMENT = 16,
  AT_VERSION = 4,
  AT_BYTES = 8,
  AT_CRC = 12,
  AFTER_CRC = 16,
  AT_MODULE = 16,
  AT_MODULE_BYTES = 20,
  AT_WEIGHTS = 24,
  AT_WEIGHT_BYTES = 28,
  AT_RATE = 32,
  AT_REFRACTORY = 40,
  AT_OUTPUT = 48,
  AT_WINDOW = 52,
  AT_FLAGS = 56,
  AT_LABELS = 60,
  AT_CUTOFFS = 64,
  AT_TEXT = 68,
  AT_TEXT_BYTES = 72
};

uint32_t runlet_crc32(uint32_t crc, const uint8_t* bytes, uint32_t count) {
  /* remainders of 4 bits: a table of 64 bytes, two steps per byte */
  static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                     0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  crc = ~crc;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

static uint32_t word(const uint8_t* at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static double real(const uint8_t* at) {
  double value;
  memcpy(&value, at, sizeof value);
  return value;
}

/** Checks for a number of 0 or more, below 1e300: no NaN, no infinity. */
static bool finite_real(double value) { return value >= 0 && value < 1e300; }

/** Checks whether [at, at + count) lies between the header and `bytes`, and `at` is a multiple of `step`. */
static bool inside(uint32_t at, uint64_t count, uint32_t bytes, uint32_t step) {
  return at >= HEADER && at <= bytes && count <= bytes - at && at % step == 0;
}

/** Checks for exactly `count` zero-terminated texts of at most RUNLET_IMAGE_NAME bytes, and nothing else. */
static bool texts(const uint8_t* text, uint32_t bytes, uint32_t count) {
  uint32_t ends = 0, length = 0;
  for (uint32_t i = 0; i < bytes; i++) {
    if (text[i]) {
      if (++length > RUNLET_IMAGE_NAME) return false;
    } else {
      ends++;
      length = 0;
    }
  }
  return ends == count && length == 0;
}

/** Skips the first `count` texts. */
static const char* skip(const char* text, uint32_t count) {
  while (count--) text += strlen(text) + 1;
  return text;
}

static int read_parts(struct runlet_image* image, const uint8_t* at) {
  uint32_t module = word(at + AT_MODULE), weights = word(at + AT_WEIGHTS), text = word(at + AT_TEXT), text_bytes = word(at + AT_TEXT_BYTES);
  image->module_bytes = word(at + AT_MODULE_BYTES);
  image->weight_bytes = word(at + AT_WEIGHT_BYTES);
  image->labels = word(at + AT_LABELS);
  if (!inside(module, image->module_bytes, image->bytes, ALIGNMENT) || !image->module_bytes) return RUNLET_IMAGE_LAYOUT;
  if (!weights != !image->weight_bytes || image->weight_bytes % 4) return RUNLET_IMAGE_LAYOUT;
  if (weights && !inside(weights, image->weight_bytes, image->bytes, ALIGNMENT)) return RUNLET_IMAGE_LAYOUT;
  if (weights && weights < module + image->module_bytes && module < weights + image->weight_bytes) return RUNLET_IMAGE_LAYOUT;
  if (!inside(text, text_bytes, image->bytes, 1)) return RUNLET_IMAGE_LAYOUT;
  if (image->labels > RUNLET_IMAGE_LABELS || !texts(at + text, text_bytes, image->labels + 2)) return RUNLET_IMAGE_TEXT;
  image->module = at + module;
  image->weights = weights ? at + weights : NULL;
  image->name = (const char*)(at + text);
  image->unit = skip(image->name, 1);
  image->names = skip(image->unit, 1);
  image->frame_rate = real(at + AT_RATE);
  return finite_real(image->frame_rate) ? RUNLET_IMAGE_OK : RUNLET_IMAGE_LAYOUT;
}

static int read_detector(struct runlet_image* image, const uint8_t* at) {
  uint32_t cutoffs = word(at + AT_CUTOFFS), output = word(at + AT_OUTPUT);
  image->detects = output != UINT32_MAX;
  if (!image->detects) return RUNLET_IMAGE_OK;
  image->output = output;
  image->window = word(at + AT_WINDOW);
  image->voice = word(at + AT_FLAGS) & 1;
  image->refractory_ms = real(at + AT_REFRACTORY);
  if (!inside(cutoffs, 8 * (uint64_t)image->labels, image->bytes, 8)) return RUNLET_IMAGE_LAYOUT;
  image->cutoffs = at + cutoffs;
  bool heard = false;
  for (uint32_t i = 0; i < image->labels; i++) {
    double cutoff = real(image->cutoffs + 8 * i);
    if (!(cutoff >= 0)) return RUNLET_IMAGE_DETECTOR;
    heard = heard || cutoff <= 1;
  }
  bool fine = heard && image->window >= 1 && image->window <= RUNLET_IMAGE_WINDOW && finite_real(image->refractory_ms);
  return fine ? RUNLET_IMAGE_OK : RUNLET_IMAGE_DETECTOR;
}

int runlet_image_read(struct runlet_image* image, const void* start, uint32_t bytes) {
  const uint8_t* at = start;
  memset(image, 0, sizeof *image);
  if (!at || (uintptr_t)at % ALIGNMENT) return RUNLET_IMAGE_ALIGNMENT;
  if (bytes < HEADER) return RUNLET_IMAGE_BYTES;
  if (memcmp(at, "RNLI", 4)) return RUNLET_IMAGE_NONE;
  if (word(at + AT_VERSION) != VERSION) return RUNLET_IMAGE_VERSION;
  uint32_t all = word(at + AT_BYTES);
  if (all < HEADER || all > bytes) return RUNLET_IMAGE_BYTES;
  if (runlet_crc32(0, at + AFTER_CRC, all - AFTER_CRC) != word(at + AT_CRC)) return RUNLET_IMAGE_CRC;
  image->bytes = all;
  int code = read_parts(image, at);
  if (code == RUNLET_IMAGE_OK) code = read_detector(image, at);
  if (code != RUNLET_IMAGE_OK) memset(image, 0, sizeof *image);
  return code;
}

const char* runlet_image_label(const struct runlet_image* image, uint32_t i) { return i < image->labels ? skip(image->names, i) : ""; }

double runlet_image_cutoff(const struct runlet_image* image, uint32_t i) {
  return image->cutoffs && i < image->labels ? real(image->cutoffs + 8 * i) : 2;
}

const char* runlet_image_text(int code) {
  switch (code) {
    case RUNLET_IMAGE_OK: return "no error";
    case RUNLET_IMAGE_ALIGNMENT: return "the image's address is not a multiple of 16";
    case RUNLET_IMAGE_NONE: return "there is no model image: write one with parttool.py or esptool";
    case RUNLET_IMAGE_VERSION: return "this firmware does not know the version of the image";
    case RUNLET_IMAGE_BYTES: return "the image is longer than its partition";
    case RUNLET_IMAGE_CRC: return "the image was not written completely, or was changed";
    case RUNLET_IMAGE_LAYOUT: return "a part of the image lies outside it";
    case RUNLET_IMAGE_TEXT: return "the image's names are broken";
    case RUNLET_IMAGE_DETECTOR: return "the image's detector has invalid numbers";
    default: return "unknown code of an image";
  }
}
