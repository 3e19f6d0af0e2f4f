/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes with a maximum. Going over the maximum sets `overflow` and keeps what fitted; writers need not check
 * each call, the reader checks once. `bytes` is always terminated by a NUL that `length` does not count (NULL only
 * before the first write). */
#ifndef SENDPOST_BASE_BUFFER_H
#define SENDPOST_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Buffer {
    char *bytes;
    size_t length;
    size_t capacity;
    size_t maximum; /* of length */
    bool overflow;
} Buffer;

void buffer_init(Buffer *buffer, size_t maximum);
void buffer_release(Buffer *buffer); /* legal on a zeroed or released one */
void buffer_clear(Buffer *buffer);   /* keeps the memory */

void buffer_append(Buffer *buffer, const void *bytes, size_t length);
void buffer_text(Buffer *buffer, const char *text);
void buffer_char(Buffer *buffer, char character);
void buffer_format(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_unsigned(Buffer *buffer, unsigned long long number); /* decimal; much faster than buffer_format */

/* Makes room for `length` more bytes at once; false (and overflow) when over the maximum. */
bool buffer_reserve(Buffer *buffer, size_t length);

/* Gives the bytes (never NULL, terminated) to the caller, who frees them; the buffer is empty then. */
char *buffer_take(Buffer *buffer);

#define auto_buffer __attribute__((cleanup(buffer_release))) Buffer

#endif
