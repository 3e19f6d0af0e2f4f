/* SPDX-License-Identifier: Apache-2.0 */
/* LD_PRELOAD: the n-th allocation fails. Not for sanitized programs, which have an allocator of their own. */
#include "control.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static Control *control;

__attribute__((constructor)) static void arm(void)
{
    control = control_map();
}

static bool refused(void)
{
    if (!control) {
        return false;
    }
    int64_t number = __atomic_add_fetch(&control->allocations, 1, __ATOMIC_RELAXED);
    bool refuse = control->fail_allocation && (number == control->fail_allocation ||
                                               (control->fail_ever_after && number > control->fail_allocation));
    if (refuse) {
        errno = ENOMEM;
    }
    return refuse;
}

void *malloc(size_t size)
{
    return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return refused() ? NULL : __libc_realloc(memory, size);
}
