/*
 * Changes bits of a signed bundle: the check must refuse every change.
 *
 *     signed COUNT SEED MODULE KEY      changes each bit of the section `signature`, then COUNT other bits;
 *                                       prints JSON: how often each code came up
 *
 * The id of a key is a hint that the C host does not read. Only there a changed bit may pass.
 */
#include "common.h"
#include "crypto.h"

enum { SECTION = 8, SECTION_BYTES = 132, ID = SECTION + 3 + 10 + 3 + 2 + 1 + 32 + 1 + 1 + 1, ID_BYTES = 12 };

int main(int argc, char** argv) {
  static uint8_t key[1][32];
  static uint32_t codes[1 - RUNLET_LAST];
  if (argc != 5) return 2;
  uint32_t count = (uint32_t)atol(argv[1]), seed = (uint32_t)atol(argv[2]), passed = 0, passed_id = 0;
  struct file f = read_file(argv[3]);
  for (int k = 0; k < 32; k++) {
    unsigned byte = 0;
    sscanf(argv[4] + 2 * k, "%2x", &byte);
    key[0][k] = (uint8_t)byte;
  }
  struct runlet_trust trust = {crypto_sha256, crypto_verify, (const uint8_t(*)[32])key, 1, NULL};
  must(runlet_check(f.at, f.bytes, NULL, 0, NULL, &trust), "the signed bundle", "");
  uint8_t* copy = malloc(f.bytes);
  for (uint32_t i = 0; i < SECTION_BYTES * 8 + count; i++) {
    memcpy(copy, f.at, f.bytes);
    uint32_t bit = i < SECTION_BYTES * 8 ? SECTION * 8 + i : next_random(&seed) % (f.bytes * 8), bytes = f.bytes;
    copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    /* sometimes truncates the bundle instead */
    if (i >= SECTION_BYTES * 8 && i % 16 == 0) copy[bit / 8] = f.at[bit / 8], bytes = bit / 8;
    int code = runlet_check(copy, bytes, NULL, 0, NULL, &trust);
    if (code == RUNLET_OK && bit / 8 >= ID && bit / 8 < ID + ID_BYTES) passed_id++;
    else if (code >= 0) passed++;
    else codes[-code]++;
  }
  free(copy);
  printf("{\"passed\":%u,\"passedId\":%u,\"codes\":{", passed, passed_id);
  for (int i = 0, first = 1; i <= -RUNLET_LAST; i++)
    if (codes[i]) printf("%s\"%d\":%u", first ? "" : ",", -i, codes[i]), first = 0;
  printf("}}\n");
  return 0;
}
