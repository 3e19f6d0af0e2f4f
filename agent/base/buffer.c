/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buffer_init(Buffer *buffer, size_t maximum)
{
    *buffer = (Buffer){.maximum = maximum};
}

void buffer_release(Buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (Buffer){0};
}

void buffer_clear(Buffer *buffer)
{
    buffer->length = 0;
    buffer->overflow = false;
    if (buffer->bytes) {
        buffer->bytes[0] = '\0';
    }
}

bool buffer_reserve(Buffer *buffer, size_t length)
{
    if (length > buffer->maximum - buffer->length) {
        buffer->overflow = true;
        return false;
    }
    size_t needed = buffer->length + length + 1;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : 64;
        buffer->capacity = capacity > needed ? capacity : needed;
        buffer->bytes = memory_resize(buffer->bytes, buffer->capacity, 1);
    }
    return true;
}

void buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
    if (!buffer_reserve(buffer, length)) {
        length = buffer->maximum - buffer->length;
        bool full = !buffer_reserve(buffer, length);
        if (full) {
            return;
        }
    }
    if (length) {
        memcpy(buffer->bytes + buffer->length, bytes, length);
    }
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
}

void buffer_text(Buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_char(Buffer *buffer, char character)
{
    buffer_append(buffer, &character, 1);
}

void buffer_format(Buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    memory_checked(length < 0 ? NULL : text);
    buffer_append(buffer, text, (size_t)length);
    free(text);
}

void buffer_unsigned(Buffer *buffer, unsigned long long number)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    buffer_append(buffer, digits + at, sizeof digits - at);
}

char *buffer_take(Buffer *buffer)
{
    buffer_append(buffer, "", 0);
    char *bytes = buffer->bytes ? buffer->bytes : memory_new(1);
    size_t maximum = buffer->maximum;
    buffer_init(buffer, maximum);
    return bytes;
}
