/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/assert.h"
#include <openssl/evp.h>

void digest_sha256_hex(const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    invariant(EVP_Digest(bytes, length, digest, &size, EVP_sha256(), NULL) == 1 && size == 32);
    for (unsigned i = 0; i < size; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * size] = '\0';
}
