/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is always there: out of memory aborts here, in one place, also for the libraries that would go on wrongly
 * without it. Sizes that come from input are capped before they reach these functions. What is returned is freed with
 * free(). */
#ifndef SENDPOST_BASE_MEMORY_H
#define SENDPOST_BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

/* Before anything else: libcrypto and cJSON allocate by these functions from now on (libcurl: prefect_client_new).
 * SQLite, which is tested to fail well, keeps its own. */
void memory_set_up(void);

/* Says so on standard error and aborts. */
_Noreturn void memory_exhausted(void);
/* What a library allocated, if it could. */
void *memory_checked(void *memory) __attribute__((returns_nonnull));

/* Zeroed. size may be 0: a unique pointer is returned then too. */
void *memory_new(size_t size) __attribute__((malloc, returns_nonnull));

/* As reallocarray; the new part is not zeroed. */
void *memory_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));

/* Copies; NULL stays NULL. */
char *text_copy(const char *text);
char *text_copy_length(const char *text, size_t length);
/* printf into new memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* Frees *text and puts a copy of value (or NULL) there. */
void text_replace(char **text, const char *value);

/* Makes room for one more item: array_push(items, count, capacity) = item. `items` is doubled when full. */
void *array_grow(void *items, size_t count, size_t *capacity, size_t size) __attribute__((returns_nonnull));
#define array_push(items, count, capacity)                                                                             \
    (*((items) = array_grow((items), (count), &(capacity), sizeof *(items)), &(items)[(count)++]))

/* Local variables that free themselves: auto_free char *text = text_copy(x); */
static inline void memory_free_cleanup(void *pointer)
{
    free(*(void **)pointer);
}
#define auto_free __attribute__((cleanup(memory_free_cleanup)))

/* Takes the pointer out of an auto_free variable, which becomes NULL. */
static inline void *memory_steal(void *pointer)
{
    void *stolen = *(void **)pointer;
    *(void **)pointer = NULL;
    return stolen;
}

#endif
