/*
 * Reads model images as a device does.
 *
 *     image print IMAGE [BYTES]      prints the image's fields as JSON, read from a partition of BYTES bytes;
 *                                    exits with 1 and the code if it is no image
 *     image flips IMAGE              flips one bit of every byte in turn; exits with 3 if one is accepted
 *     image fuzz IMAGE SEED COUNT    reads COUNT changed copies; prints JSON: how often each code came up
 *
 * Each copy lies at the end of its own memory. For an accepted copy, every byte that the image points at is
 * read, so that a sanitizer sees an access outside.
 */
#include <inttypes.h>

#include "common.h"
#include "runlet-detector.h"

/** Returns memory at a multiple of 16 that ends after `bytes` bytes. */
static uint8_t* memory(uint32_t bytes) {
  void* at = NULL;
  if (posix_memalign(&at, 16, bytes ? bytes : 1)) exit(2);
  return at;
}

/** Reads everything that an image points at. */
static uint32_t walk(const struct runlet_image* image) {
  uint32_t sum = runlet_crc32(0, image->module, image->module_bytes);
  if (image->weights) sum ^= runlet_crc32(0, image->weights, image->weight_bytes);
  sum += (uint32_t)strlen(image->name) + (uint32_t)strlen(image->unit);
  for (uint32_t i = 0; i <= image->labels; i++)
    sum += (uint32_t)strlen(runlet_image_label(image, i)) + (runlet_image_cutoff(image, i) <= 1);
  uint32_t bytes = runlet_detector_bytes(image);
  if (!bytes) return sum;
  struct runlet_detector detector;
  struct runlet_heard word = {0, 0, 0};
  void* windows = memory(bytes);
  float* values = calloc(image->labels + 1, sizeof *values);
  for (uint32_t i = 0; i < image->labels; i++) values[i] = 1;
  if (!runlet_detector_init(&detector, image, windows)) exit(2);
  for (uint32_t i = 0; i < 2 * image->window && i < 64; i++) sum += runlet_detector_push(&detector, values, 20.0 * i, &word);
  free(values);
  free(windows);
  return sum + word.element;
}

static void print(const struct runlet_image* image) {
  printf("{\"bytes\":%u,\"moduleBytes\":%u,\"moduleCrc\":%u,\"weightBytes\":%u,\"weightsCrc\":%u,\"aligned\":%s,", image->bytes, image->module_bytes,
         runlet_crc32(0, image->module, image->module_bytes), image->weight_bytes,
         image->weights ? runlet_crc32(0, image->weights, image->weight_bytes) : 0, (uintptr_t)image->weights % 16 ? "false" : "true");
  printf("\"frameRate\":%.17g,\"name\":\"%s\",\"unit\":\"%s\",\"detects\":%d,\"voice\":%d,\"output\":%u,\"window\":%u,\"refractoryMs\":%.17g,\"labels\":[",
         image->frame_rate, image->name, image->unit, image->detects, image->voice, image->output, image->window, image->refractory_ms);
  for (uint32_t i = 0; i < image->labels; i++)
    printf("%s[\"%s\",%.17g]", i ? "," : "", runlet_image_label(image, i), runlet_image_cutoff(image, i) <= 1 ? runlet_image_cutoff(image, i) : -1);
  printf("],\"walked\":%u}\n", walk(image));
}

static void put(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

/** Makes one change: an unusual number in the header, another byte, a flipped bit, or another length. */
static void change(uint8_t* at, uint32_t bytes, uint32_t* seed) {
  static const uint32_t odd[] = {0, 1, 4, 8, 15, 16, 79, 80, 96, 127, 128, 255, 256, 257, 4096, 4097, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
  uint32_t kind = next_random(seed) % 8, where = next_random(seed);
  if (kind < 3) {
    uint32_t value = odd[next_random(seed) % (sizeof odd / sizeof *odd)];
    if (next_random(seed) % 2) value = bytes - value;
    put(at + 4 * (where % 20), value);
  } else if (kind < 5) {
    at[where % (bytes < 400 ? bytes : 400)] = (uint8_t)next_random(seed);
  } else if (kind < 7) {
    at[where % bytes] ^= (uint8_t)(1u << next_random(seed) % 8);
  } else {
    put(at + 8, where % (bytes + 32));
  }
}

static uint32_t word_at(const uint8_t* at) { return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24; }

static void fuzz(const struct file* file, uint32_t seed, uint32_t count) {
  uint32_t found[16] = {0}, sum = 0;
  for (uint32_t n = 0; n < count; n++) {
    /* usually the whole partition, sometimes a shorter one */
    uint32_t bytes = next_random(&seed) % 8 ? file->bytes : next_random(&seed) % (file->bytes + 1);
    uint8_t* at = memory(bytes);
    memcpy(at, file->at, bytes);
    for (uint32_t times = 1 + next_random(&seed) % 4; times && bytes >= 80; times--) change(at, bytes, &seed);
    uint32_t all = bytes >= 80 ? word_at(at + 8) : 0;
    if (next_random(&seed) % 16 && all >= 80 && all <= bytes) put(at + 12, runlet_crc32(0, at + 16, all - 16));
    struct runlet_image image;
    int code = runlet_image_read(&image, at, bytes);
    if (code > 0 || code < -15 || strlen(runlet_image_text(code)) < 8) exit(3);
    found[-code]++;
    if (code == RUNLET_IMAGE_OK) sum += walk(&image);
    else if (image.module || image.bytes) exit(4);
    free(at);
  }
  printf("{\"sum\":%u,\"codes\":[", sum);
  for (int i = 0; i <= 8; i++) printf("%s%u", i ? "," : "", found[i]);
  printf("]}\n");
}

/** Flips bit i modulo 8 of byte i, one byte at a time, and restores it. */
static void flips(const struct file* file) {
  struct runlet_image image;
  for (uint32_t i = 0; i < file->bytes; i++) {
    file->at[i] ^= (uint8_t)(1u << i % 8);
    if (runlet_image_read(&image, file->at, file->bytes) == RUNLET_IMAGE_OK) exit(3);
    file->at[i] ^= (uint8_t)(1u << i % 8);
  }
  if (runlet_image_read(&image, file->at, file->bytes) != RUNLET_IMAGE_OK) exit(4);
  printf("%u\n", file->bytes);
}

int main(int count, char** args) {
  if (count < 3) return 2;
  struct file file = read_file(args[2]);
  uint8_t* at = memory(file.bytes);
  memcpy(at, file.at, file.bytes);
  free(file.at);
  file.at = at;
  if (!strcmp(args[1], "fuzz")) {
    fuzz(&file, (uint32_t)strtoul(args[3], NULL, 0), (uint32_t)strtoul(args[4], NULL, 0));
  } else if (!strcmp(args[1], "flips")) {
    flips(&file);
  } else {
    struct runlet_image image;
    int code = runlet_image_read(&image, at, count > 3 ? (uint32_t)strtoul(args[3], NULL, 0) : file.bytes);
    if (code < 0) {
      fprintf(stderr, "%d %s\n", code, runlet_image_text(code));
      free(at);
      return 1;
    }
    print(&image);
  }
  free(at);
  return 0;
}
