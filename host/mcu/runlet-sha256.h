/*
 * SHA-256 (FIPS 180-4) in pieces, for firmware that has no library with it.  C99, all memory is the caller's.
 *
 * In: bytes.  Out: 32 bytes.  Cost: about 40 instructions per byte.
 */
#ifndef RUNLET_SHA256_H
#define RUNLET_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct runlet_sha256 {
  uint32_t state[8];
  uint64_t bytes;
  uint8_t block[64];
};

void runlet_sha256_start(struct runlet_sha256* s);
void runlet_sha256_add(struct runlet_sha256* s, const void* bytes, size_t count);
void runlet_sha256_end(struct runlet_sha256* s, uint8_t digest[32]);

/** Hashes all bytes in one call; has the type of runlet_trust.sha256. @return true always */
bool runlet_sha256_of(void* context, const uint8_t* bytes, size_t count, uint8_t digest[32]);

#ifdef __cplusplus
}
#endif
#endif
