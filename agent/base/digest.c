/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/assert.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum { SHA256_SIZE = 32 };

static void write_hex(const unsigned char digest[SHA256_SIZE], char hex[DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[DIGEST_HEX_SIZE - 1] = '\0';
}

void digest_sha256_hex(const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    invariant(EVP_Digest(bytes, length, digest, &size, EVP_sha256(), NULL) == 1 && size == SHA256_SIZE);
    write_hex(digest, hex);
}

void digest_hmac_sha256_hex(const char *key, const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    invariant(HMAC(EVP_sha256(), key, (int)strlen(key), bytes, length, digest, &size) && size == SHA256_SIZE);
    write_hex(digest, hex);
}

bool digest_equal(const char a[DIGEST_HEX_SIZE], const char b[DIGEST_HEX_SIZE])
{
    return CRYPTO_memcmp(a, b, DIGEST_HEX_SIZE) == 0;
}
