/* SPDX-License-Identifier: Apache-2.0 */
/* What tells one state of a file from another without reading it. */
#ifndef SENDPOST_BASE_STAMP_H
#define SENDPOST_BASE_STAMP_H

#include <stdbool.h>
#include <sys/stat.h>

typedef struct Stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
} Stamp;

Stamp stamp_of(const struct stat *status);
bool stamp_equal(const Stamp *a, const Stamp *b);
/* Of the path as it is now; all zero when there is nothing. */
Stamp stamp_of_path(const char *path, bool follow);

#endif
