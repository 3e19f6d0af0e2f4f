/* SPDX-License-Identifier: Apache-2.0 */
/* Small files as a whole, and what makes a file durable. Not for engine/ or definitions/. */
#ifndef SENDPOST_BASE_FILE_H
#define SENDPOST_BASE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

/* Appends the file's bytes. Fails when it cannot be read, is not a regular file, or is larger than `maximum`
 * (ERROR_LIMIT). */
bool file_read(const char *path, size_t maximum, Buffer *out, Error *error);

/* What stands there then is either what was there before or these bytes, also after a power cut; for its owner alone.
 */
bool file_write(const char *path, const char *bytes, size_t length, Error *error);
/* A file that was written and synced takes the place of another one, durably. */
bool file_rename(const char *from, const char *to, Error *error);

/* A secret: as file_read with SECRET_FILE_MAX, less white space at its end; new memory. NULL on failure, or when it is
 * empty or not one line of text. */
char *file_read_secret(const char *path, Error *error);

/* Standard input, output and error are open from now on: what the caller had closed fails when it is used, and no file
 * or connection of ours gets its number, and with it what is printed. */
void file_hold_standard(void);

/* A path that stands in a file: absolute, or within `directory`; new memory. */
char *file_path(const char *directory, const char *path);

#endif
