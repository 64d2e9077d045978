/*
 * The trusted keys of trust.h, with libsodium's Ed25519 and our SHA-256.
 *
 * In: main/model-keys.inc, one or more public keys, concatenated files of `npx runlet keygen NAME --c`.
 * Without that file the build fails, unless CONFIG_RUNLET_UNSIGNED is set.
 */
#include "trust.h"

#include "runlet-sha256.h"
#include "sdkconfig.h"

#if CONFIG_RUNLET_UNSIGNED

static const struct runlet_trust believed = {.sha256 = runlet_sha256_of};

#elif !__has_include("model-keys.inc")

#error "main/model-keys.inc is missing: run `npx runlet keygen NAME --c`, copy NAME.inc to main/model-keys.inc, keep NAME.key secret. \
For development only: CONFIG_RUNLET_UNSIGNED=y (menu Runlet)"

#else

#include <sodium.h>

static const uint8_t keys[][32] = {
#include "model-keys.inc"
};
/* fails to compile if the file has no key */
typedef char some_key_in_model_keys[sizeof keys >= sizeof *keys ? 1 : -1];

static bool verify(void* context, const uint8_t key[32], const uint8_t* message, size_t count, const uint8_t signature[64]) {
  (void)context;
  return sodium_init() >= 0 && crypto_sign_verify_detached(signature, message, count, key) == 0;
}

static const struct runlet_trust believed = {runlet_sha256_of, verify, keys, sizeof keys / sizeof *keys, NULL};

#endif

const struct runlet_trust* trust(void) { return &believed; }
