/* Shared by the programs of this folder: files, a pool, random numbers, and names of codes. */
#ifndef COMMON_H
#define COMMON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runlet.h"

/** A file in memory of exactly its length: a sanitizer sees an access beyond it. For "-", `at` is NULL. */
struct file {
  uint8_t* at;
  uint32_t bytes;
};

static inline struct file read_file(const char* path) {
  /* a bundle's file stays in memory until the program ends */
  static uint8_t* held[256];
  static uint32_t count;
  struct file f = {NULL, 0};
  if (!strcmp(path, "-")) return f;
  FILE* from = fopen(path, "rb");
  if (!from || fseek(from, 0, SEEK_END)) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(2);
  }
  f.bytes = (uint32_t)ftell(from);
  f.at = held[count++ % 256] = malloc(f.bytes ? f.bytes : 1);
  rewind(from);
  if (fread(f.at, 1, f.bytes, from) != f.bytes) exit(2);
  fclose(from);
  return f;
}

static inline uint32_t next_random(uint32_t* seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  return *seed ^= *seed << 5;
}

/** Ends the program if a call that must succeed has failed. */
static inline void must(int code, const char* what, const char* words) {
  if (code >= 0) return;
  fprintf(stderr, "%s: %d, %s; %s\n", what, code, runlet_text(code), words);
  exit(1);
}

/** Returns the FNV-1a hash of all outputs. */
static inline uint32_t digest_outputs(const struct runlet* r, uint32_t digest) {
  for (uint32_t i = 0; i < r->output_count; i++)
    for (uint32_t k = 0; k < r->outputs[i].bytes; k++) digest = (digest ^ r->outputs[i].at[k]) * 16777619u;
  return digest;
}

static inline uint32_t hop_bytes(const struct runlet* r) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < r->input_count; i++) sum += r->inputs[i].bytes;
  return sum;
}

/** Pushes one hop. The frames of the inputs follow one another. */
static inline int push_hop(struct runlet* r, const uint8_t* hop) {
  const void* frames[RUNLET_INPUTS];
  for (uint32_t i = 0; i < r->input_count; hop += r->inputs[i++].bytes) frames[i] = hop;
  return runlet_push(r, frames, r->hop);
}

#endif
