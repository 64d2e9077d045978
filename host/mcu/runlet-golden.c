/*
 * The self-test of a bundle on the device: pushes generated frames and compares the SHA-256 of all outputs.
 *
 * In: an open bundle, its self-test.  Out: RUNLET_OK or an error.  Source: docs/abi.md, "Golden".
 * Cost: golden->hops hops, and a digest of their outputs.
 */
#include <string.h>

#include "runlet-sha256.h"
#include "runlet.h"

/** xorshift32. */
static uint32_t next(uint32_t* x) {
  *x ^= *x << 13;
  *x ^= *x >> 17;
  return *x ^= *x << 5;
}

/** Writes the generated frames of one hop into the module's input. */
static void fill(struct runlet* r, uint32_t* x) {
  for (uint32_t i = 0; i < r->input_count; i++) {
    struct runlet_port* in = &r->inputs[i];
    uint32_t step = in->type == RUNLET_INT16 ? 2 : 1;
    for (uint32_t k = 0; k + step <= in->bytes; k += step) {
      uint32_t value = next(x);
      in->at[k] = (uint8_t)value;
      if (step == 2) in->at[k + 1] = (uint8_t)(value >> 8);
    }
  }
}

int runlet_golden_run(struct runlet* r, const struct runlet_golden* golden) {
  struct runlet_sha256 sha;
  uint8_t digest[32];
  uint32_t x = golden->seed, outputs = 0;
  int code = runlet_reset(r);
  runlet_sha256_start(&sha);
  for (uint32_t hop = 0; code >= 0 && hop < golden->hops; hop++) {
    fill(r, &x);
    code = runlet_push(r, NULL, r->hop);
    if (code != RUNLET_DUE) continue;
    outputs++;
    for (uint32_t i = 0; i < r->output_count; i++) runlet_sha256_add(&sha, r->outputs[i].at, r->outputs[i].bytes);
  }
  runlet_sha256_end(&sha, digest);
  int end = runlet_reset(r);
  if (code < 0 || end < 0) return code < 0 ? code : end;
  return outputs == golden->outputs && !memcmp(digest, golden->digest, sizeof digest) ? RUNLET_OK : RUNLET_GOLDEN;
}
