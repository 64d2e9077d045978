/*
 * Compares the C host's SHA-256 with OpenSSL's: every length to 300 bytes and some longer, also in pieces.
 *
 *     sha256 SEED      prints JSON: the number of digests, and how many were wrong
 */
#include "common.h"
#include "crypto.h"
#include "runlet-sha256.h"

int main(int argc, char** argv) {
  static uint8_t bytes[5000];
  uint32_t seed = argc > 1 ? (uint32_t)atol(argv[1]) * 2654435761u | 1 : 1, checked = 0, wrong = 0;
  for (uint32_t n = 0; n < 1200; n++) {
    uint32_t count = n <= 300 ? n : next_random(&seed) % sizeof bytes;
    for (uint32_t i = 0; i < count; i++) bytes[i] = (uint8_t)next_random(&seed);
    uint8_t expected[32], whole[32], pieces[32];
    struct runlet_sha256 sha;
    runlet_sha256_start(&sha);
    for (uint32_t at = 0, part; at < count; at += part) {
      part = next_random(&seed) % 150;
      if (part > count - at) part = count - at;
      runlet_sha256_add(&sha, bytes + at, part);
    }
    runlet_sha256_end(&sha, pieces);
    runlet_sha256_of(NULL, bytes, count, whole);
    if (!crypto_sha256(NULL, bytes, count, expected)) return 2;
    checked++;
    wrong += memcmp(expected, whole, 32) || memcmp(expected, pieces, 32);
  }
  printf("{\"checked\":%u,\"wrong\":%u}\n", checked, wrong);
  return 0;
}
