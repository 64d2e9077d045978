/* The functions that struct runlet_trust needs. */
#ifndef CRYPTO_H
#define CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool crypto_sha256(void* context, const uint8_t* bytes, size_t count, uint8_t digest[32]);
bool crypto_verify(void* context, const uint8_t key[32], const uint8_t* message, size_t count, const uint8_t signature[64]);

#endif
