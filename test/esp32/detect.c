/*
 * Runs only the detector or the quantiser.
 *
 *     detect words IMAGE VALUES      VALUES: records of a float64 time and a float32 value per label; prints
 *                                    each word as JSON
 *     detect stored SCALE ZERO REALS REALS: float32 values; prints the int8 of each
 */
#include "common.h"
#include "inference.h"

static void words(const char* path, const char* values) {
  struct file file = read_file(path), given = read_file(values);
  void* at = NULL;
  if (posix_memalign(&at, 16, file.bytes)) exit(2);
  memcpy(at, file.at, file.bytes);
  struct runlet_image image;
  if (runlet_image_read(&image, at, file.bytes) < 0) exit(3);
  void* windows = malloc(runlet_detector_bytes(&image));
  float* row = malloc(image.labels * sizeof *row);
  struct runlet_detector detector;
  if (!runlet_detector_init(&detector, &image, windows)) exit(4);
  uint32_t step = 8 + 4 * image.labels;
  for (uint32_t n = 0; n + step <= given.bytes; n += step) {
    double time_ms;
    struct runlet_heard word;
    memcpy(&time_ms, given.at + n, 8);
    memcpy(row, given.at + n + 8, 4 * image.labels);
    if (runlet_detector_push(&detector, row, time_ms, &word))
      printf("{\"label\":\"%s\",\"timeMs\":%.17g,\"probability\":%.17g}\n", runlet_image_label(&image, word.element), word.time_ms, word.mean);
  }
  free(row), free(windows), free(at), free(file.at), free(given.at);
}

static void stored(float scale, int zero, const char* reals) {
  struct file given = read_file(reals);
  struct runlet_port port = {.scale = scale, .zero_point = zero};
  for (uint32_t i = 0; i + 4 <= given.bytes; i += 4) {
    float x;
    memcpy(&x, given.at + i, 4);
    printf("%d\n", inference_quantise(x, &port));
  }
  free(given.at);
}

int main(int count, char** args) {
  if (count == 4 && !strcmp(args[1], "words")) words(args[2], args[3]);
  else if (count == 5) stored(strtof(args[2], NULL), atoi(args[3]), args[4]);
  else return 2;
  return 0;
}
