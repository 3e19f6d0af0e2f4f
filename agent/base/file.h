/* SPDX-License-Identifier: Apache-2.0 */
/* Reading whole small files. Not for engine/ or definitions/. */
#ifndef SENDPOST_BASE_FILE_H
#define SENDPOST_BASE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

/* Appends the file's bytes. Fails when it cannot be read, is not a regular file, or is larger than `maximum`
 * (ERROR_LIMIT). */
bool file_read(const char *path, size_t maximum, Buffer *out, Error *error);

/* A secret: as file_read with SECRET_FILE_MAX, less white space at its end; new memory. NULL when empty or on failure.
 */
char *file_read_secret(const char *path, Error *error);

#endif
