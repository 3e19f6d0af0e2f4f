/* SPDX-License-Identifier: Apache-2.0 */
/* embed OUTPUT FILE...: writes the table of api/assets.h as C, each file compressed. Runs while the agent is
 * built. The same files and the same zlib give the same bytes: neither times nor names of the machine are in them. */
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { FILE_SIZE_MAX = 16 << 20, OUTPUT_SIZE_MAX = 256 << 20 };
enum { GZIP_HEADER = 16, GZIP_OVERHEAD = 12, MEMORY_LEVEL = 9, OS_UNKNOWN = 255, LINE = 24 };

static const struct {
    const char *suffix, *media_type;
} media_types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
};

static const char *media_type_of(const char *file)
{
    const char *suffix = strrchr(file, '.');
    if (!suffix) { /* LICENSE */
        return "text/plain; charset=utf-8";
    }
    for (size_t i = 0; i < sizeof media_types / sizeof *media_types; i++) {
        if (strcmp(suffix, media_types[i].suffix) == 0) {
            return media_types[i].media_type;
        }
    }
    return NULL;
}

static bool compress_file(const Buffer *content, Buffer *compressed, Error *error)
{
    gz_header header = {.os = OS_UNKNOWN};
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_HEADER, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return error_set(error, ERROR_IO, "zlib does not start");
    }
    deflateSetHeader(&stream, &header);
    size_t room = deflateBound(&stream, content->length) + GZIP_OVERHEAD;
    auto_free char *bytes = memory_new(room);
    stream.next_in = (Bytef *)content->bytes;
    stream.avail_in = (uInt)content->length;
    stream.next_out = (Bytef *)bytes;
    stream.avail_out = (uInt)room;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    buffer_append(compressed, bytes, stream.total_out);
    deflateEnd(&stream);
    return whole || error_set(error, ERROR_IO, "zlib does not end");
}

static void write_bytes(Buffer *out, size_t number, const Buffer *bytes)
{
    buffer_format(out, "static const unsigned char file_%zu[] = {", number);
    for (size_t i = 0; i < bytes->length; i++) {
        buffer_unsigned(out, (unsigned char)bytes->bytes[i]);
        buffer_text(out, (i + 1) % LINE ? "," : ",\n");
    }
    buffer_text(out, "};\n");
}

/* Behind the last slash but one: "FOLDER/FILE". */
static const char *name_of(const char *path)
{
    const char *at = path + strlen(path);
    for (int slashes = 0; at > path; at--) {
        slashes += at[-1] == '/';
        if (slashes == 2) {
            break;
        }
    }
    return at;
}

static bool embed(const char *path, size_t number, Buffer *data, Buffer *table, Error *error)
{
    auto_buffer content = {.maximum = FILE_SIZE_MAX}, compressed = {.maximum = 2UL * FILE_SIZE_MAX};
    const char *name = name_of(path), *media_type = media_type_of(name);
    char digest[DIGEST_HEX_SIZE];
    if (!media_type) {
        return error_set(error, ERROR_INVALID, "%s: no media type is known for such a name", path);
    }
    if (!file_read(path, FILE_SIZE_MAX, &content, error) || !compress_file(&content, &compressed, error)) {
        return error_prefix(error, "%s", path);
    }
    digest_sha256_hex(content.bytes, content.length, digest);
    write_bytes(data, number, &compressed);
    buffer_format(table, "    {\"%s\", \"%s\", \"\\\"%.32s\\\"\", file_%zu, sizeof file_%zu, %zu},\n", name, media_type,
                  digest, number, number, content.length);
    return true;
}

static bool write_output(const char *path, const Buffer *data, const Buffer *table, Error *error)
{
    FILE *out = fopen(path, "w");
    if (!out) {
        return error_set(error, ERROR_IO, "%s cannot be written", path);
    }
    fprintf(out, "#include \"api/assets.h\"\n%sconst Asset assets[] = {\n%s};\n", data->bytes, table->bytes);
    fputs("const size_t asset_count = sizeof assets / sizeof *assets;\n", out);
    bool written = !ferror(out);
    return (fclose(out) == 0 && written) || error_set(error, ERROR_IO, "%s cannot be written", path);
}

int main(int count, char **words)
{
    auto_buffer data = {.maximum = OUTPUT_SIZE_MAX}, table = {.maximum = OUTPUT_SIZE_MAX};
    Error error = {0};
    bool done = count > 2 || error_set(&error, ERROR_INVALID, "usage: embed OUTPUT FILE...");
    for (int i = 2; done && i < count; i++) {
        done = embed(words[i], (size_t)i - 2, &data, &table, &error);
    }
    done = done && write_output(words[1], &data, &table, &error);
    if (!done) {
        fprintf(stderr, "embed: %s\n", error.text);
    }
    return done ? 0 : 1;
}
