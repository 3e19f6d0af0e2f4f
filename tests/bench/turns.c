/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded into the agent before libcurl: how long the loop is busy between two waits. The figures lie in the file that
 * BENCH_TURNS names, which the bench reads, and zeroes to begin anew: turns, longest by the clock, longest by processor
 * time, in µs. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef struct Turns {
    int64_t count, longest_us, longest_processor_us;
} Turns;

static Turns *turns_map(void)
{
    const char *path = getenv("BENCH_TURNS");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(Turns)) != 0) {
        abort();
    }
    void *mapped = mmap(NULL, sizeof(Turns), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED) {
        abort();
    }
    return mapped;
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd waits[], unsigned count, int timeout_ms, int *ready)
{
    static CURLMcode (*wait)(CURLM *, struct curl_waitfd[], unsigned, int, int *);
    static Turns *turns;
    static int64_t began_us, began_processor_us;
    if (!wait) {
        *(void **)&wait = dlsym(RTLD_NEXT, "curl_multi_poll");
        turns = turns_map();
    } else {
        turns->count++;
        turns->longest_us = longer(turns->longest_us, clock_us(CLOCK_MONOTONIC) - began_us);
        turns->longest_processor_us =
            longer(turns->longest_processor_us, clock_us(CLOCK_THREAD_CPUTIME_ID) - began_processor_us);
    }
    CURLMcode code = wait(multi, waits, count, timeout_ms, ready);
    began_us = clock_us(CLOCK_MONOTONIC);
    began_processor_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
    return code;
}
