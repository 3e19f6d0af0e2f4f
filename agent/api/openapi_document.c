/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gzip.h"
#include "api/openapi.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/memory.h"
#include <stdio.h>
#include <string.h>

enum { ETAG_DIGITS = 32, PIECE_SIZE = 4096 };

typedef struct Source {
    const Buffer *text;
    size_t given;
} Source;

static size_t give(void *user, char *out, size_t size)
{
    Source *source = user;
    size_t left = source->text->length - source->given, length = left < size ? left : size;
    memcpy(out, source->text->bytes + source->given, length);
    source->given += length;
    return length;
}

static void compress(const Buffer *text, Buffer *compressed)
{
    Source source = {.text = text};
    Gzip *gzip = gzip_new(give, &source);
    char piece[PIECE_SIZE];
    for (size_t length; (length = gzip_read(gzip, piece, sizeof piece)) > 0;) {
        buffer_append(compressed, piece, length);
    }
    gzip_free(gzip);
}

const Asset *openapi_asset(OpenapiDocument *document)
{
    if (document->asset.path) {
        return &document->asset;
    }
    auto_buffer text = {.maximum = RESPONSE_BODY_MAX}, compressed = {.maximum = RESPONSE_BODY_MAX};
    char digest[DIGEST_HEX_SIZE];
    openapi_print(&text);
    compress(&text, &compressed);
    digest_sha256_hex(text.bytes, text.length, digest);
    snprintf(document->etag, sizeof document->etag, "\"%.*s\"", ETAG_DIGITS, digest);
    size_t gzip_length = compressed.length;
    document->bytes = buffer_take(&compressed);
    document->asset = (Asset){
        .path = "v1/openapi.json",
        .media_type = "application/json",
        .etag = document->etag,
        .gzip = (const unsigned char *)document->bytes,
        .gzip_length = gzip_length,
        .length = text.length,
    };
    return &document->asset;
}

void openapi_release(OpenapiDocument *document)
{
    free(document->bytes);
    *document = (OpenapiDocument){0};
}
