/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "base/limits.h"
#include <cjson/cJSON.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void memory_exhausted(void)
{
    fputs("sendpost: out of memory\n", stderr);
    abort();
}

void *memory_checked(void *memory)
{
    if (!memory) {
        memory_exhausted();
    }
    return memory;
}

static void *crypto_new(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return size ? memory_checked(malloc(size)) : NULL;
}

static void *crypto_resize(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    if (size) {
        return memory_checked(realloc(memory, size));
    }
    free(memory);
    return NULL;
}

static void crypto_free(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

static void *json_new(size_t size)
{
    return memory_checked(malloc(size));
}

void memory_set_up(void)
{
    /* What is needed again and again, as the snapshots of scrapes, is kept: fresh pages cost more than all else of
     * them. */
    mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
    mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
    CRYPTO_set_mem_functions(crypto_new, crypto_resize, crypto_free);
    cJSON_InitHooks(&(cJSON_Hooks){json_new, free});
}

void *memory_new(size_t size)
{
    return memory_checked(calloc(1, size ? size : 1));
}

void *memory_resize(void *memory, size_t count, size_t size)
{
    return memory_checked(count ? reallocarray(memory, count, size) : realloc(memory, 1));
}

char *text_copy(const char *text)
{
    return text ? memory_checked(strdup(text)) : NULL;
}

char *text_copy_length(const char *text, size_t length)
{
    return text ? memory_checked(strndup(text, length)) : NULL;
}

char *text_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return memory_checked(length < 0 ? NULL : text);
}

void text_replace(char **text, const char *value)
{
    char *copy = text_copy(value);
    free(*text);
    *text = copy;
}

void *array_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity ? *capacity * 2 : 8;
    return memory_resize(items, *capacity, size);
}
