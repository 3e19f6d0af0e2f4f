/* SPDX-License-Identifier: Apache-2.0 */
/* What a test sets and reads while the agent runs: it lies in the file that SENDPOST_TEST_FAULTS names.
 * harness/system_faults.py knows the order of the members. */
#ifndef SENDPOST_TESTS_FAULTS_CONTROL_H
#define SENDPOST_TESTS_FAULTS_CONTROL_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct Control {
    int64_t allocations;     /* so far */
    int64_t fail_allocation; /* this one gets no memory; 0: none */
    int64_t fail_ever_after; /* and no later one either */
    int64_t fail_syncs;      /* fsync and fdatasync: EIO */
    int64_t syncs;           /* so far, of the journal's -wal */
    int64_t promises;        /* answers 202 and creations sent so far */
    int64_t early_promises;  /* of these, sent while the -wal had unsynced bytes */
} Control;

static inline Control *control_map(void)
{
    const char *path = getenv("SENDPOST_TEST_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        abort();
    }
    close(fd);
    return mapped;
}

#endif
