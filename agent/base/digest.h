/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, by libcrypto. */
#ifndef SENDPOST_BASE_DIGEST_H
#define SENDPOST_BASE_DIGEST_H

#include <stddef.h>

enum { DIGEST_HEX_SIZE = 65 };

/* Lower-case hexadecimal, terminated. */
void digest_sha256_hex(const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE]);

#endif
