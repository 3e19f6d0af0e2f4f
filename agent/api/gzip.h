/* SPDX-License-Identifier: Apache-2.0 */
/* A body compressed while it is read: each call takes a bounded piece of it. */
#ifndef SENDPOST_API_GZIP_H
#define SENDPOST_API_GZIP_H

#include <stddef.h>

/* At most `size` bytes of the body at `out`; 0 at its end. */
typedef size_t (*GzipSource)(void *user, char *out, size_t size);

typedef struct Gzip Gzip;

Gzip *gzip_new(GzipSource source, void *user); /* which outlives it */
void gzip_free(Gzip *gzip);
/* The next at most `size` bytes (1 or more) of it, compressed; 0 at the end. */
size_t gzip_read(Gzip *gzip, char *out, size_t size);

#endif
