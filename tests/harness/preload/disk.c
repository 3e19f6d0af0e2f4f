/* SPDX-License-Identifier: Apache-2.0 */
/* LD_PRELOAD: a disk that does not keep what it takes, and the order of writing and promising. */
#include "control.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static Control *control(void)
{
    static Control *mapped;
    if (!mapped) {
        mapped = control_map();
    }
    return mapped;
}

/* The function of this name that the program would have called. */
#define NEXT(type, name)                                                                                               \
    static __typeof__(type) *next;                                                                                     \
    if (!next) {                                                                                                       \
        *(void **)&next = dlsym(RTLD_NEXT, name);                                                                      \
    }

static bool unsynced; /* the -wal has bytes that a power cut would take */

static bool is_wal(int fd)
{
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length > 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

static bool sync_fails(int fd)
{
    if (control()->fail_syncs) {
        errno = EIO;
        return true;
    }
    if (is_wal(fd)) {
        control()->syncs++;
        unsynced = false;
    }
    return false;
}

int fsync(int fd)
{
    NEXT(int(int), "fsync")
    return sync_fails(fd) ? -1 : next(fd);
}

int fdatasync(int fd)
{
    NEXT(int(int), "fdatasync")
    return sync_fails(fd) ? -1 : next(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    NEXT(ssize_t(int, const void *, size_t, off64_t), "pwrite64")
    unsynced = is_wal(fd) || unsynced;
    return next(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return pwrite64(fd, bytes, length, offset);
}

static void note_promise(const void *bytes, size_t length)
{
    static const char creation[] = "/create_flow_run HTTP/1.1", accepted[] = "HTTP/1.1 202 ";
    bool promise =
        memmem(bytes, length, creation, sizeof creation - 1) || memmem(bytes, length, accepted, sizeof accepted - 1);
    control()->promises += promise;
    control()->early_promises += promise && unsynced;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    NEXT(ssize_t(int, const void *, size_t, int), "send")
    note_promise(bytes, length);
    return next(fd, bytes, length, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(ssize_t(int, const struct msghdr *, int), "sendmsg")
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        note_promise(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    }
    return next(fd, message, flags);
}
