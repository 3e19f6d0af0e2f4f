/* SPDX-License-Identifier: Apache-2.0 */
/* The fastest level: what repeats in an exposition is near, so that more searching finds little more. A window of 8 kB
 * holds dozens of lines and keeps the memory of each at about 100 kB. */
#include "api/gzip.h"
#include "base/assert.h"
#include "base/memory.h"
#include <stdbool.h>
#include <zlib.h>

enum { WINDOW_BITS = 13, GZIP_HEADER = 16, MEMORY_LEVEL = 7, PIECE_SIZE = 32 * 1024 };

struct Gzip {
    GzipSource source;
    void *user;
    z_stream stream;
    bool at_end; /* of the source; and of what is compressed: */
    bool ended;
    char piece[PIECE_SIZE];
};

static void *allocate(void *user, unsigned count, unsigned size)
{
    (void)user;
    return memory_new((size_t)count * size);
}

static void release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

Gzip *gzip_new(GzipSource source, void *user)
{
    Gzip *gzip = memory_new(sizeof *gzip);
    gzip->source = source;
    gzip->user = user;
    gzip->stream.zalloc = allocate;
    gzip->stream.zfree = release;
    int result = deflateInit2(&gzip->stream, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS + GZIP_HEADER, MEMORY_LEVEL,
                              Z_DEFAULT_STRATEGY);
    invariant(result == Z_OK);
    return gzip;
}

void gzip_free(Gzip *gzip)
{
    if (gzip) {
        deflateEnd(&gzip->stream);
        free(gzip);
    }
}

/* Each piece is flushed, so that a call never reads on and on for a first byte. */
size_t gzip_read(Gzip *gzip, char *out, size_t size)
{
    z_stream *stream = &gzip->stream;
    stream->next_out = (Bytef *)out;
    stream->avail_out = (uInt)size;
    while (!gzip->ended && stream->avail_out == size) {
        if (!stream->avail_in && !gzip->at_end) {
            stream->next_in = (Bytef *)gzip->piece;
            stream->avail_in = (uInt)gzip->source(gzip->user, gzip->piece, PIECE_SIZE);
            gzip->at_end = !stream->avail_in;
        }
        int result = deflate(stream, gzip->at_end ? Z_FINISH : Z_SYNC_FLUSH);
        invariant(result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END);
        gzip->ended = result == Z_STREAM_END;
    }
    return size - stream->avail_out;
}
