/* SPDX-License-Identifier: Apache-2.0 */
#include "api/assets.h"
#include "base/assert.h"
#include "base/memory.h"
#include <stdint.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_HEADER = 16 };

const Asset *asset_find(const char *path)
{
    for (size_t i = 0; i < asset_count; i++) {
        if (strcmp(assets[i].path, path) == 0) {
            return &assets[i];
        }
    }
    return NULL;
}

void asset_inflate(const Asset *asset, Buffer *content)
{
    auto_free char *bytes = memory_new(asset->length);
    z_stream stream = {
        .next_in = (Bytef *)(uintptr_t)asset->gzip,
        .avail_in = (uInt)asset->gzip_length,
        .next_out = (Bytef *)bytes,
        .avail_out = (uInt)asset->length,
    };
    if (inflateInit2(&stream, MAX_WBITS + GZIP_HEADER) != Z_OK) {
        memory_exhausted();
    }
    int result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    invariant(result == Z_STREAM_END && stream.total_out == asset->length);
    buffer_append(content, bytes, asset->length);
}
