/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and what is made of it, by libcrypto. */
#ifndef SENDPOST_BASE_DIGEST_H
#define SENDPOST_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_HEX_SIZE = 65 };

/* Lower-case hexadecimal, terminated. */
void digest_sha256_hex(const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE]);
/* HMAC (RFC 2104); the key is text. */
void digest_hmac_sha256_hex(const char *key, const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE]);
/* In a time that does not depend on where they differ. */
bool digest_equal(const char a[DIGEST_HEX_SIZE], const char b[DIGEST_HEX_SIZE]);

#endif
