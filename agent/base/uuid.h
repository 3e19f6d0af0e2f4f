/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs as text. */
#ifndef SENDPOST_BASE_UUID_H
#define SENDPOST_BASE_UUID_H

#include <stddef.h>
#include <stdint.h>

enum { UUID_SIZE = 37 };

/* Version 7 (RFC 9562 5.7): unix_ms in the first 48 bits, the other bits from `random`. */
void uuid_from_time(int64_t unix_ms, const uint8_t random[10], char uuid[UUID_SIZE]);
/* Version 8 (RFC 9562 5.8) of the first 16 bytes of SHA-256 of the bytes: equal bytes, equal UUID. */
void uuid_from_digest(const void *bytes, size_t length, char uuid[UUID_SIZE]);

#endif
