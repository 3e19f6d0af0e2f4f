/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"
#include "base/assert.h"
#include <openssl/evp.h>
#include <string.h>

static void format(uint8_t bytes[16], unsigned version, char uuid[UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            uuid[at++] = '-';
        }
        uuid[at++] = digits[bytes[i] >> 4];
        uuid[at++] = digits[bytes[i] & 15];
    }
    uuid[at] = '\0';
}

void uuid_from_time(int64_t unix_ms, const uint8_t random[10], char uuid[UUID_SIZE])
{
    uint8_t bytes[16];
    for (int i = 0; i < 6; i++) {
        bytes[i] = (uint8_t)((uint64_t)unix_ms >> (40 - 8 * i));
    }
    memcpy(bytes + 6, random, 10);
    format(bytes, 7, uuid);
}

void uuid_from_digest(const void *bytes, size_t length, char uuid[UUID_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    invariant(EVP_Digest(bytes, length, digest, &size, EVP_sha256(), NULL) == 1 && size == 32);
    format(digest, 8, uuid);
}
