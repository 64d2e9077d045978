/* SHA-256 and Ed25519 from OpenSSL, as a firmware passes its own library in struct runlet_trust. */
#include "crypto.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

bool crypto_sha256(void* context, const uint8_t* bytes, size_t count, uint8_t digest[32]) {
  (void)context;
  return SHA256(bytes, count, digest) != NULL;
}

bool crypto_verify(void* context, const uint8_t key[32], const uint8_t* message, size_t count, const uint8_t signature[64]) {
  (void)context;
  EVP_PKEY* public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  bool good = public_key && md && EVP_DigestVerifyInit(md, NULL, NULL, NULL, public_key) == 1 && EVP_DigestVerify(md, signature, 64, message, count) == 1;
  EVP_MD_CTX_free(md);
  EVP_PKEY_free(public_key);
  return good;
}
