/* SPDX-License-Identifier: Apache-2.0 */
/* LD_PRELOAD: the wall clock of one process is moved by as many milliseconds as stand in the file that CLOCK_SHIFT_FILE
 * names, at any moment. Boot and monotonic clocks stay as they are, as when somebody sets the clock; with
 * CLOCK_SHIFT_BOOT the boot clock moves along, as when time passes. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift_ms;
static bool shift_boot;

static void __attribute__((constructor)) open_shift(void)
{
    const char *path = getenv("CLOCK_SHIFT_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *memory = file >= 0 ? mmap(NULL, sizeof *shift_ms, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
    if (memory == MAP_FAILED) {
        _exit(98);
    }
    shift_ms = memory;
    shift_boot = getenv("CLOCK_SHIFT_BOOT") != NULL;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = real(clock, now);
    if (result == 0 && shift_ms && (clock == CLOCK_REALTIME || (clock == CLOCK_BOOTTIME && shift_boot))) {
        int64_t nanoseconds = now->tv_nsec + *shift_ms % 1000 * 1000000;
        int64_t carry = nanoseconds < 0 ? -1 : nanoseconds / 1000000000;
        now->tv_sec += *shift_ms / 1000 + carry;
        now->tv_nsec = nanoseconds - carry * 1000000000;
    }
    return result;
}
