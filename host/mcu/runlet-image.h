/*
 * Reads a model image: module, weights and detector (docs/esp32.md, "The image").  C99, little-endian cores.
 *
 * In: mapped flash with any content; `runlet image` writes images.  Out: checked pointers into that flash;
 * nothing is copied or written.  Cost: one CRC-32 over the image, about 20 instructions per byte.
 */
#ifndef RUNLET_IMAGE_H
#define RUNLET_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum runlet_image_code {
  RUNLET_IMAGE_OK = 0,
  RUNLET_IMAGE_ALIGNMENT = -1, /* the address is not a multiple of 16 */
  RUNLET_IMAGE_NONE = -2,      /* no magic number: the partition is erased or holds something else */
  RUNLET_IMAGE_VERSION = -3,   /* unknown version */
  RUNLET_IMAGE_BYTES = -4,     /* its size is larger than the partition or smaller than the header */
  RUNLET_IMAGE_CRC = -5,       /* wrong checksum: the image is incomplete or was changed */
  RUNLET_IMAGE_LAYOUT = -6,    /* a part lies outside the image, overlaps another or is not aligned */
  RUNLET_IMAGE_TEXT = -7,      /* names are not terminated, too many or too long */
  RUNLET_IMAGE_DETECTOR = -8   /* a number of the detector is out of range */
};

/** Maximum number of labels, bytes of a name, and outputs in a window; the same as in `runlet image`. */
enum { RUNLET_IMAGE_LABELS = 256, RUNLET_IMAGE_NAME = 127, RUNLET_IMAGE_WINDOW = 4096 };

/** A model image. All pointers point into the flash that it was read from. */
struct runlet_image {
  uint32_t bytes; /* total size, header included */
  const uint8_t* module;
  uint32_t module_bytes;
  const void* weights; /* NULL if the module contains them */
  uint32_t weight_bytes;
  double frame_rate; /* frames per second (samples per second of sound); 0 if unknown */
  const char* name;
  const char* unit;  /* unit of the output values; empty if there is none */
  bool detects;      /* true: the image has a detector; false: the outputs are values */
  bool voice;        /* true: the detector's output is voice activity */
  uint32_t output;   /* index of the detector's output */
  uint32_t window;   /* number of outputs in the mean */
  double refractory_ms;
  uint32_t labels; /* number of labels; with a detector one per element of its output */
  const char* names;
  const uint8_t* cutoffs;
};

/**
 * Reads the image in a partition of `bytes` bytes at address `at`, a multiple of 16.
 * @return RUNLET_IMAGE_OK, or a negative code; then `image` is all zero
 */
int runlet_image_read(struct runlet_image* image, const void* at, uint32_t bytes);

/** Name of element `i`; "" if it has none. */
const char* runlet_image_label(const struct runlet_image* image, uint32_t i);

/** Cutoff of element `i`, 0 to 1; above 1 if the element is never detected. */
double runlet_image_cutoff(const struct runlet_image* image, uint32_t i);

/** Describes a code in one sentence; never NULL. */
const char* runlet_image_text(int code);

/** CRC-32 of IEEE 802.3, as in zip. @param crc 0 at first, then the result of the preceding piece */
uint32_t runlet_crc32(uint32_t crc, const uint8_t* bytes, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
