/*
 * Reads a model image: module, weights and what is heard as one piece of flash (docs/esp32.md, "The image").  C99, little-endian cores.
 *
 * In: mapped flash that may hold anything.  Out: pointers into it, checked; nothing is copied or written.  `runlet image` writes it.
 * Cost: one CRC-32 over the image, about 20 instructions a byte, once.
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
  RUNLET_IMAGE_ALIGNMENT = -1, /* not at a multiple of 16 bytes */
  RUNLET_IMAGE_NONE = -2,      /* no magic: an erased partition, or something else */
  RUNLET_IMAGE_VERSION = -3,   /* a version that this reader does not know */
  RUNLET_IMAGE_BYTES = -4,     /* it says that it is longer than the partition, or shorter than its header */
  RUNLET_IMAGE_CRC = -5,       /* not all of it was written, or it was changed */
  RUNLET_IMAGE_LAYOUT = -6,    /* parts that reach outside, overlap, or do not lie where they are read by words */
  RUNLET_IMAGE_TEXT = -7,      /* names that do not end, too many or too long */
  RUNLET_IMAGE_DETECTOR = -8   /* numbers of the detector out of their range */
};

/** What `runlet image` keeps to as well. */
enum { RUNLET_IMAGE_LABELS = 256, RUNLET_IMAGE_NAME = 127, RUNLET_IMAGE_WINDOW = 4096 };

/** An image. Read what you like; all pointers reach into the flash it was read from. */
struct runlet_image {
  uint32_t bytes; /* all of it, header included */
  const uint8_t* module;
  uint32_t module_bytes;
  const void* weights; /* NULL where they are in the module */
  uint32_t weight_bytes;
  double frame_rate; /* frames (of sound: samples) a second, 0 where it is not known */
  const char* name;
  const char* unit;  /* of values; empty where there is none */
  bool detects;      /* there is a detector; else outputs are values */
  bool voice;        /* the output says whether there is voice */
  uint32_t output;   /* its index */
  uint32_t window;   /* outputs in the mean */
  double refractory_ms;
  uint32_t labels; /* names of elements of the output; with a detector as many as elements */
  const char* names;
  const uint8_t* cutoffs;
};

/**
 * Reads the image at `at`, at a multiple of 16 bytes, in a partition of `bytes` bytes.
 * @return RUNLET_IMAGE_OK, or a code below 0, and then `image` is all zero
 */
int runlet_image_read(struct runlet_image* image, const void* at, uint32_t bytes);

/** Name of element `i`; "" where there is none. */
const char* runlet_image_label(const struct runlet_image* image, uint32_t i);

/** Mean that element `i` has to be above, 0 to 1; more than 1 where it is not heard. */
double runlet_image_cutoff(const struct runlet_image* image, uint32_t i);

/** One sentence for a code; never NULL. */
const char* runlet_image_text(int code);

/** CRC-32 of IEEE 802.3, as in zip. Begin with 0; goes on from what it gave. */
uint32_t runlet_crc32(uint32_t crc, const uint8_t* bytes, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
