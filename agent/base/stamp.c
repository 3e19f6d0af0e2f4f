/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stamp.h"
#include <fcntl.h>

Stamp stamp_of(const struct stat *status)
{
    return (Stamp){status->st_dev, status->st_ino, status->st_size, status->st_mtim, status->st_ctim};
}

static bool times_equal(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool stamp_equal(const Stamp *a, const Stamp *b)
{
    return a->inode == b->inode && a->device == b->device && a->size == b->size &&
           times_equal(a->modified, b->modified) && times_equal(a->changed, b->changed);
}

Stamp stamp_of_path(const char *path, bool follow)
{
    struct stat status;
    return fstatat(AT_FDCWD, path, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0 ? stamp_of(&status) : (Stamp){0};
}
