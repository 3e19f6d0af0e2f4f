/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/process.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* proc(5): fields are counted from 1, and the name in field 2 may hold anything, blanks and brackets too. */
static void read_stat(ProcessNumbers *numbers)
{
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    const char *rest = strrchr(text, ')');
    unsigned long user = 0, kernel = 0, threads = 0, virtual_bytes = 0, pages = 0;
    static const char fields[] =
        ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %lu %*d %*u %lu %lu";
    if (rest && sscanf(rest, fields, &user, &kernel, &threads, &virtual_bytes, &pages) == 5) {
        numbers->cpu_ms = (int64_t)((user + kernel) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
        numbers->threads = threads;
        numbers->virtual_bytes = virtual_bytes;
        numbers->resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    }
}

/* Since Linux 6.2 the directory's size is their number: listing thousands takes longer than the rest of a scrape. */
static uint64_t count_files(void)
{
    struct stat status;
    if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
        return (uint64_t)status.st_size;
    }
    uint64_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) {
        return 0;
    }
    while (readdir(directory)) {
        count++;
    }
    closedir(directory);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the directory itself */
}

ProcessNumbers process_numbers(void)
{
    ProcessNumbers numbers = {.open_files = count_files()};
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        numbers.open_files_max = limit.rlim_cur;
    }
    read_stat(&numbers);
    return numbers;
}
