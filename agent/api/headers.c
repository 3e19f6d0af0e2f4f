/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd takes the first of two Content-Length, prefers Transfer-Encoding to Content-Length, reads a transfer
 * coding that it does not know as a body without end, keeps "Name : value", and of a line that is continued on the next
 * one it glues the rest to the name: "Transfer-Encodingchunked". A proxy before us may read each of these otherwise,
 * and the rest of the body would be a request that it never saw: all of them are refused.
 *
 * It reads in place: names and values lie where they came, each ended by a NUL. A NUL that came itself cuts a value,
 * and a line that begins with a colon ends the head. Neither can be seen in what it gives, but that something is left
 * over. */
#include "api/headers.h"
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { LIST_MAX = 16 * 1024 };

static const struct {
    const char *name;
    size_t length, offset;
    bool alone; /* no other header begins so: if one does, it is a line that was continued */
} known[] = {
#define KNOWN(text, field, alone)                                                                                      \
    {                                                                                                                  \
        text, sizeof(text) - 1, offsetof(Headers, field), alone                                                        \
    }
    KNOWN("Host", host, false),
    KNOWN("Content-Length", content_length, true),
    KNOWN("Content-Type", content_type, false),
    KNOWN("Transfer-Encoding", transfer_encoding, true),
    KNOWN("Expect", expect, false),
    KNOWN("Origin", origin, false),
    KNOWN("Authorization", authorization, true),
    KNOWN("Idempotency-Key", idempotency_key, true),
    KNOWN("If-None-Match", if_none_match, false),
    KNOWN("Last-Event-ID", last_event_id, true),
    KNOWN("X-Sendpost-Signature", signature, true),
    KNOWN("X-Sendpost-Timestamp", timestamp, true),
#undef KNOWN
};

static const char **field_of(Headers *headers, size_t index)
{
    return (const char **)(void *)((char *)headers + known[index].offset);
}

/* RFC 9110, 5.6.2: a token. */
static bool is_name(const char *name)
{
    const char *at = name;
    while (isalnum((unsigned char)*at) || (*at && strchr("!#$%&'*+-.^_`|~", *at))) {
        at++;
    }
    return at > name && !*at;
}

/* A carriage return without its line feed ends a line for some. */
static bool is_value(const char *value)
{
    while (((unsigned char)*value >= 0x20 && *value != 0x7f) || *value == '\t') {
        value++;
    }
    return !*value;
}

bool headers_add(Headers *headers, const char *name, const char *value, Error *error)
{
    if (!is_name(name) || (value && !is_value(value))) {
        return error_set(error, ERROR_INVALID, "a header line is malformed");
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strncasecmp(known[i].name, name, known[i].length) != 0) {
            continue;
        }
        if (name[known[i].length] && known[i].alone) {
            return error_set(error, ERROR_INVALID, "the header %s is malformed", known[i].name);
        }
        if (name[known[i].length]) {
            continue;
        }
        const char **field = field_of(headers, i);
        if (*field) {
            return error_set(error, ERROR_INVALID, "there is more than one %s header", known[i].name);
        }
        *field = value ? value : "";
    }
    return true;
}

bool headers_check(const Headers *headers, Error *error)
{
    if (!headers->host || !*headers->host) {
        return error_set(error, ERROR_INVALID, "there is no Host header");
    }
    if (headers->transfer_encoding && headers->content_length) {
        return error_set(error, ERROR_INVALID, "there are both Transfer-Encoding and Content-Length");
    }
    if (headers->transfer_encoding && strcasecmp(headers->transfer_encoding, "chunked") != 0) {
        return error_set(error, ERROR_INVALID, "Transfer-Encoding must be chunked");
    }
    const char *length = headers->content_length;
    if (length && (!*length || length[strspn(length, "0123456789")])) {
        return error_set(error, ERROR_INVALID, "Content-Length must be a number");
    }
    return true;
}

typedef struct Reading {
    Headers *headers;
    const char *end; /* of what was read so far */
    Error *error;
    bool fine;
} Reading;

/* Whether nothing but so many ends of lines, each a line feed perhaps after a carriage return, was there. */
static bool only_lines_end(const char *from, const char *to, size_t lines)
{
    size_t size = (size_t)((uintptr_t)to - (uintptr_t)from), zeros = 0;
    while (size >= lines && size <= 2 * lines && zeros < size && from[zeros] == '\0') {
        zeros++;
    }
    return zeros > 0 && zeros == size;
}

static bool follows(const Reading *reading, const char *name, const char *value)
{
    const char *blank = name + strlen(name) + 1;
    return only_lines_end(reading->end, name, 1) && value && blank + strspn(blank, " \t") == value;
}

static enum MHD_Result header_seen(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    Reading *reading = user;
    reading->fine = headers_add(reading->headers, name, value, reading->error);
    if (reading->fine && !follows(reading, name, value)) {
        reading->fine = error_set(reading->error, ERROR_INVALID, "a header line is malformed");
    }
    reading->end = value ? value + strlen(value) : NULL;
    return reading->fine ? MHD_YES : MHD_NO;
}

/* libmicrohttpd keeps an entry for each header and each parameter of the query. */
size_t headers_size(struct MHD_Connection *connection)
{
    enum { ENTRY_SIZE = 64 };
    int entries = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL) +
                  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL);
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size +
           (size_t)entries * ENTRY_SIZE;
}

/* Spaces after a value are no part of it (RFC 9110, 5.5), but libmicrohttpd leaves them there, and takes no
 * Transfer-Encoding with them for what it is: so all is checked before they are cut off. */
static void trim(Headers *headers)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char *value = (char *)(uintptr_t)*field_of(headers, i);
        size_t length = value ? strlen(value) : 0;
        while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t')) {
            value[--length] = '\0';
        }
    }
}

bool headers_read(struct MHD_Connection *connection, const char *method, const char *version, Headers *headers,
                  Error *error)
{
    Reading reading = {.headers = headers, .end = version + strlen(version), .error = error, .fine = true};
    size_t size = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, header_seen, &reading);
    if (!reading.fine || !headers_check(headers, error)) {
        return false;
    }
    if (!only_lines_end(reading.end, method + size, 2)) {
        return error_set(error, ERROR_INVALID, "a header line is malformed");
    }
    if (headers->transfer_encoding && strcmp(version, MHD_HTTP_VERSION_1_1) != 0) {
        return error_set(error, ERROR_INVALID, "Transfer-Encoding needs HTTP/1.1");
    }
    trim(headers);
    return true;
}

typedef struct Joining {
    const char *name;
    Buffer *joined;
} Joining;

static enum MHD_Result join(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    const Joining *joining = user;
    if (value && strcasecmp(name, joining->name) == 0) {
        buffer_text(joining->joined, joining->joined->length ? "," : "");
        buffer_text(joining->joined, value);
    }
    return MHD_YES;
}

void headers_join(struct MHD_Connection *connection, const char *name, Buffer *joined)
{
    buffer_text(joined, "");
    MHD_get_connection_values(connection, MHD_HEADER_KIND, join, &(Joining){name, joined});
}

bool headers_prefer(struct MHD_Connection *connection, const char *name, bool (*rule)(const char *list))
{
    auto_buffer list;
    buffer_init(&list, LIST_MAX);
    headers_join(connection, name, &list);
    return rule(list.bytes);
}

bool headers_match_etag(const Headers *headers, const char *etag)
{
    const char *list = headers->if_none_match;
    return list && (strcmp(list, "*") == 0 || strstr(list, etag));
}

bool headers_expect_continue(const Headers *headers)
{
    return headers->expect && strcasecmp(headers->expect, "100-continue") == 0;
}

bool headers_say_json(const Headers *headers)
{
    static const char json[] = "application/json";
    const char *type = headers->content_type;
    if (!type || strncasecmp(type, json, sizeof json - 1) != 0) {
        return false;
    }
    char after = type[sizeof json - 1];
    return after == '\0' || after == ';' || after == ' ' || after == '\t';
}
