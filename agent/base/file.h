/* SPDX-License-Identifier: Apache-2.0 */
/* Reading whole small files. Not for engine/ or definitions/. */
#ifndef SENDPOST_BASE_FILE_H
#define SENDPOST_BASE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

/* Appends the file's bytes. Fails when it cannot be read, is not a regular file, or is larger than `maximum`
 * (ERROR_LIMIT). */
bool file_read(const char *path, size_t maximum, Buffer *out, Error *error);

/* A secret: as file_read with SECRET_FILE_MAX, less white space at its end; new memory. NULL on failure, or when it is
 * empty or not one line of text. */
char *file_read_secret(const char *path, Error *error);

/* A path that stands in a file: absolute, or within `directory`; new memory. */
char *file_path(const char *directory, const char *path);

#endif
